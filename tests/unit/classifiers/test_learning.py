import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from classifiers import corpus, learning, model_card, starting
from classifiers.commands import classify_stream, groups_asked, make_app
from classifiers.corpus import Text, write_lines
from classifiers.evaluate import Labelled, Measures, evaluate, of_corpus, read_labelled
from classifiers.learning import as_texts, history, learn, refusal, rollback
from classifiers.reader import Reader
from classifiers.starting import chosen_model, load
from engine.errors import NotFound, Refused
from engine.model.city import City
from engine.model.values import replace


@pytest.fixture
def small(some_texts: list[Text], monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus small enough to train twice in a test."""

    texts = [replace(text, split="test" if at % 5 == 0 else "train") for at, text in enumerate(some_texts[::7])]
    for room in (starting, learning):
        monkeypatch.setattr(room, "shipped", lambda: texts)
        monkeypatch.setattr(room, "content_hash", lambda: "small")


def _measures(**changes: float) -> Measures:
    figures = dict.fromkeys(Measures.__slots__, 0.9) | changes
    return Measures(**figures)  # type: ignore[arg-type]  # every figure by name


def test_a_model_that_finds_fewer_dangers_is_refused() -> None:
    assert "danger_found" in refusal(_measures(), _measures(danger_found=0.8, right=1.0))
    assert "danger_diverted" in refusal(_measures(), _measures(danger_diverted=0.95))
    assert refusal(_measures(), _measures(danger_found=0.95)) == ""


def test_a_danger_more_or_less_that_leaves_is_chance_up_to_what_is_promised() -> None:
    before = _measures(danger_diverted=0.0008)
    assert refusal(before, _measures(danger_diverted=0.0012)) == ""
    assert "danger_diverted" in refusal(before, _measures(danger_diverted=0.0021))
    assert refusal(_measures(danger_diverted=0.003), _measures(danger_diverted=0.003)) == ""


def test_a_new_model_listens_harder_until_no_danger_is_lost(city: City, reader: Reader, some_texts: list[Text]) -> None:
    fixed = some_texts[::6]
    before = evaluate(reader, of_corpus(fixed, reader)).overall
    just_too_deaf = 1.01 * _weakest(reader, fixed)
    deaf = replace(reader.weights.thresholds, danger=just_too_deaf, suspect=just_too_deaf)
    heard, after = learning._as_careful(replace(reader.weights, thresholds=deaf), before, fixed, city)
    without = Reader(city, replace(reader.weights, thresholds=deaf))
    assert refusal(before, evaluate(without, of_corpus(fixed, without)).overall) != ""
    assert refusal(before, after) == ""
    assert heard.thresholds.danger < deaf.danger


def _weakest(reader: Reader, texts: list[Text]) -> float:
    """The least score by which a danger of these texts is found, where no phrase speaks."""
    found = [reading for text in texts if text.danger and (reading := reader.read(text.text)).danger]
    return min(one.danger_score for one in found if "danger_phrase" not in {reason.code for reason in one.reasons})


def test_a_model_that_is_deaf_to_danger_stays_refused(city: City, reader: Reader, some_texts: list[Text]) -> None:
    fixed = some_texts[::24]
    before = evaluate(reader, of_corpus(fixed, reader)).overall
    line = (reader.weights.danger_line[0] - 30.0, *reader.weights.danger_line[1:])
    _, after = learning._as_careful(replace(reader.weights, danger_line=line), before, fixed, city)
    assert "danger_found" in refusal(before, after)


def test_train_compare_use_and_go_back(small: None, city: City, tmp_path: Path) -> None:
    shipped_version = load(city, tmp_path).read("路灯坏了").model_version
    rows = [Labelled(f"滨江路{n}号公厕没水冲不了", category="utilities.water") for n in range(3)]
    attempt = learn(city, tmp_path, rows)
    assert attempt.added == 3
    assert [one["model"] for one in history(tmp_path)] == [attempt.model]
    assert chosen_model(tmp_path) == (attempt.model if attempt.accepted else "")
    learning._use(tmp_path, attempt.model)
    assert load(city, tmp_path).read("路灯坏了").model_version == attempt.model
    assert rollback(tmp_path) == ""
    assert load(city, tmp_path).read("路灯坏了").model_version == shipped_version
    with pytest.raises(NotFound, match="nothing to go back"):
        rollback(tmp_path)


def test_a_city_that_labels_enough_letters_is_followed_in_its_usage(small: None, city: City, tmp_path: Path) -> None:
    """Here the mailbox files street lamps under transport, whatever the taxonomy says of them."""
    lamps = [Labelled(f"关于第{n}号路灯的来信。望贵单位核实", group="交通运输") for n in range(60)]
    lessons = [Labelled(f"关于第{n}期暑假课程的来信。望贵单位核实", group="教育文体") for n in range(60)]
    attempt = learn(city, tmp_path, [*lamps, *lessons])
    learning._use(tmp_path, attempt.model)
    reading = load(city, tmp_path).read("关于东门路灯的来信。望贵单位核实")
    assert reading.group == "交通运输"
    assert "usage" in {reason.code for reason in reading.reasons}


def test_a_label_of_group_or_matter_takes_the_likeliest_category_of_it(reader: Reader) -> None:
    texts = as_texts(
        [Labelled("电话13800000000，路灯不亮", group="教育文体"), Labelled("路灯不亮", matter="local")], reader
    )
    assert texts[0].category.startswith(("education.", "dispute.school"))  # both belong to 教育文体
    assert "13800000000" not in texts[0].text
    assert texts[1].category.startswith(("local.", "dispute."))


def test_unknown_categories_are_refused_by_row(reader: Reader) -> None:
    with pytest.raises(Refused, match=r"row 1: category 'urban\.raod'"):
        as_texts([Labelled("路坏了", category="urban.raod")], reader)


def test_faulty_lines_of_a_data_file_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text('{"text": "路坏了", "matter": "government"}\nnonsense\n{"text": "x"}\n', "utf-8")
    with pytest.raises(Refused) as refused:
        read_labelled(path)
    assert [fault.where for fault in refused.value.faults] == ["calls.jsonl:2", "calls.jsonl:3"]


def test_an_evaluation_adds_up(reader: Reader, some_texts: list[Text], monkeypatch: pytest.MonkeyPatch) -> None:
    texts = some_texts[::12]
    monkeypatch.setattr(model_card, "shipped", lambda: texts)  # to count the whole corpus takes half a minute
    found = evaluate(reader, of_corpus(texts, reader))
    assert found.overall.texts == len(texts) == sum(part.texts for part in found.by_register.values())
    assert sum(sum(row.values()) for row in found.confusion.values()) == len(texts)
    assert sum(count for *_, count in found.reliability) == len(texts)
    assert found.risk_coverage[-1][0] == 1.0
    assert found.ece is not None
    written = model_card.card(reader, found, {"a set kept aside": found})
    assert "Where it is weak" in written
    assert "a set kept aside" in written


def test_the_card_measures_the_blind_exam_too_and_leaves_out_what_the_city_does_not_know(
    city: City, model: Path, some_texts: list[Text], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam = [*some_texts[:5], replace(some_texts[5], category="moon.base")]
    file, card = tmp_path / "exam.jsonl", tmp_path / "card.md"
    write_lines(file, exam)
    monkeypatch.setattr(corpus, "EXAMS", {"calls written blind": file})
    monkeypatch.setattr(model_card, "shipped", lambda: exam)
    asked = ["evaluate", "--data", str(file), "--card", str(card), "--also", f"the same again={file}"]
    result = CliRunner().invoke(make_app(lambda: city, lambda: model), asked)
    assert result.exit_code == 0, result.output
    written = card.read_text("utf-8")
    assert [name for name in ("calls written blind", "the same again") if f"## On {name}\n" in written] == [
        "calls written blind",
        "the same again",
    ]
    assert written.count("| all | 5 |") == 1, "the exam"
    assert written.count("| all | 6 |") == 2, "files are measured as they are"


def test_a_category_says_whose_matter_a_labelled_text_is_unless_there_is_danger(reader: Reader) -> None:
    rows = [
        Labelled("路灯坏了", category="urban.streetlight"),
        Labelled("路灯坏了", category="local.clean", danger=True),
    ]
    found = evaluate(reader, rows).confusion
    assert {true: sum(said.values()) for true, said in found.items()} == {"police": 1, "government": 1, "local": 0}


def test_groups_are_scored_by_macro_f1(reader: Reader) -> None:
    rows = [Labelled("小区门口路灯坏了半个月没人修", group="城乡建设"), Labelled("路灯坏了", group="教育文体")]
    assert evaluate(reader, rows).group_macro_f1 == pytest.approx(1 / 3, abs=0.01)


def test_a_mailbox_of_few_departments_sorts_into_those_and_no_others(reader: Reader) -> None:
    text = "自来水一股漂白水味"
    free, within = reader.read(text), reader.read(text, groups=frozenset({"城乡建设", "环境保护"}))
    assert free.group == "公用事业"
    assert within.group in {"城乡建设", "环境保护"}
    assert (within.matter, within.danger, within.review) == (free.matter, free.danger, free.review)
    assert reader.read(text, groups=frozenset({"没有这一类"})) == free, "of unknown groups nothing is left out"


def test_groups_within_those_of_the_set_are_scored_beside_all_groups(reader: Reader) -> None:
    rows = [
        Labelled("自来水一股漂白水味", group="城乡建设"),
        Labelled("小区门口路灯坏了半个月没人修", group="城乡建设"),
    ]
    found = evaluate(reader, rows)
    assert found.group_macro_f1 == pytest.approx(2 / 3, abs=0.001)
    assert found.group_macro_f1_within == 1.0


def test_a_group_that_the_taxonomy_does_not_have_is_refused_by_name(reader: Reader) -> None:
    assert groups_asked(" 城乡建设, 环境保护 ", reader) == {"城乡建设", "环境保护"}
    assert groups_asked("", reader) == frozenset()
    with pytest.raises(Refused, match=r"城建 is no group of the taxonomy.*公用事业"):
        groups_asked("城建", reader)


def test_the_stream_passes_fields_through_and_answers_faults_in_place(reader: Reader) -> None:
    out = io.StringIO()
    lines = ['{"text": "路灯坏了", "id": 7}', "{", '{"text": 3}', ""]
    assert classify_stream(lines, out, reader) == 2
    first, second, third = map(json.loads, out.getvalue().splitlines())
    assert first["id"] == 7
    assert {"matter", "category", "group", "danger", "confidence", "review", "reasons"} <= set(first)
    assert (second["line"], third["line"]) == (2, 3)


def test_commands_speak_plainly(small: None, city: City, tmp_path: Path) -> None:
    run = CliRunner()
    app = make_app(lambda: city, lambda: tmp_path)
    bad = tmp_path / "bad.jsonl"
    bad.write_text("nonsense\n", "utf-8")
    refused = run.invoke(app, ["train", "--data", str(bad)])
    assert refused.exit_code == 2
    assert "bad.jsonl:1" in refused.output
    assert run.invoke(app, ["rollback"]).exit_code == 2
    good = tmp_path / "good.jsonl"
    good.write_text('{"text": "路灯坏了半个月", "matter": "government"}\n', "utf-8")
    table = run.invoke(app, ["evaluate", "--data", str(good), "--png", str(tmp_path / "x.png")])
    assert table.exit_code == 0, table.output
    assert "found|rev" in table.output
    assert (tmp_path / "x.png").stat().st_size > 1000
    as_json = run.invoke(app, ["evaluate", "--data", str(good), "--json"])
    assert json.loads(as_json.output)["overall"]["texts"] == 1
