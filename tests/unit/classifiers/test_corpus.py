from collections import Counter
from pathlib import Path

from classifiers.corpus import EXAMS, SPLITS, Text, content_id, read_lines, shipped
from classifiers.corpus_report import assign_splits, publish, report
from engine.model.city import City


def _text(words: str) -> Text:
    return Text(content_id(words), words, "urban.road", danger=False, register="plain")


def test_what_is_shipped_keeps_its_promises_and_gives_no_hint_of_the_exam(city: City) -> None:
    texts, exam = shipped(), [text for file in EXAMS.values() for text in read_lines(file)]
    assert {text.category for text in exam} <= set(city.taxonomy.categories)
    assert {text.split for text in exam} == {"exam"}
    found = report([*texts, *exam])
    assert found.crossing == ()
    assert len(texts) >= 8000
    categories = Counter(text.category for text in texts)
    assert set(categories) == set(city.taxonomy.categories)
    assert min(categories.values()) >= 400
    kinds = Counter(text.kind for text in texts)
    assert kinds["danger"] >= 10_000
    assert kinds["harmless"] >= 10_000
    assert kinds["harmless"] + kinds["harmless_border"] >= 30_000
    assert set(found.splits) == {*SPLITS, "exam"}


def test_ids_are_their_texts_own() -> None:
    texts = shipped()
    assert len({text.id for text in texts}) == len(texts)
    assert all(text.id == content_id(text.text) for text in texts)


def test_near_duplicates_share_a_part() -> None:
    texts = [_text(f"门口这条路坑坑洼洼一下雨全是水{end}") for end in ("", "啊", "呀", "了", "的", "吧", "哦")]
    assert len({text.split for text in assign_splits(texts)}) == 1


def test_drafts_become_lines_and_faulty_ones_are_named(tmp_path: Path, capsys: object) -> None:
    drafts, folder = tmp_path / "drafts", tmp_path / "corpus"
    drafts.mkdir()
    folder.mkdir()
    (drafts / "urban.road.txt").write_text("plain|0|路坏了没人修\nplain|2|坏行\n", "utf-8")
    (drafts / "_danger_gas.txt").write_text("hazard.gas|child|1|家里臭臭的\n", "utf-8")
    assert publish(drafts, folder) == 2
    assert [text.kind for text in read_lines(folder / "hazard.jsonl")] == ["danger"]
    assert publish(drafts, folder) == 2  # again adds nothing
