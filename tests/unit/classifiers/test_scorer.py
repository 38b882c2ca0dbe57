import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.calibration import evidence
from classifiers.corpus import Text
from classifiers.matters import matter_map, police_groups
from classifiers.reader import Reader
from classifiers.scorer import DANGER, LONG, opening
from classifiers.training import Machines, fit, fused, heard, softmax
from classifiers.weights import Weights, restore, save
from engine.model.city import City
from engine.model.values import replace

STRANGE = ["", " ", "。", "\ud800", "a", "喂", "1" * 5000, "漏水" * 3000, "🚒着火了", "\x00"]


@pytest.fixture(scope="module")
def machines(city: City, some_texts: list[Text]) -> Machines:
    return fit(some_texts[::4], city.taxonomy)


@pytest.fixture(scope="module")
def twin(city: City, machines: Machines, weights: Weights) -> Reader:
    """The fused path over the same machines."""
    return Reader(city, replace(weights, **fused(machines)._asdict()))


def test_fused_and_plain_path_agree_on_the_corpus(machines: Machines, twin: Reader, some_texts: list[Text]) -> None:
    _agree(machines, twin, [text.text for text in some_texts[::7]])


def test_fused_and_plain_path_agree_on_strange_texts(machines: Machines, twin: Reader) -> None:
    _agree(machines, twin, STRANGE)


def _agree(machines: Machines, twin: Reader, texts: list[str]) -> None:
    """Logits of the topics and margins of the linear machines, to 1e-9."""
    fused_margins = np.array([twin.scorer.margins(text)[0] for text in texts])
    np.testing.assert_allclose(fused_margins, machines.margins(texts), rtol=0, atol=1e-9)


def test_police_and_danger_are_judged_as_they_were_calibrated(
    reader: Reader, city: City, some_texts: list[Text]
) -> None:
    """The compiled line over the evidence of one text, and numpy's over the evidence of many."""
    weights, texts = reader.weights, [text.text for text in some_texts[::9]]
    size, sums = len(weights.categories), matter_map(weights.categories, city.taxonomy).sums
    margins = np.array([reader.scorer.margins(text)[0] for text in texts])
    logits = heard(margins[:, : 2 * size], margins[:, 2 * size : -2], weights.loud, np.tile(weights.above, 2))
    shares = softmax(logits, weights.temperature)
    calm, threat = shares[:, :size], shares[:, size:].sum(axis=1)
    ours, phrased = police_groups(weights.above, sums), np.arange(len(texts)) % 2 == 0
    proof = evidence(margins, ours, calm @ sums[:, 0] + threat, threat, phrased)
    for line, name in ((weights.police_line, "police"), (weights.danger_line, "danger")):
        expected = 1.0 / (1.0 + np.exp(-(line[0] + proof @ np.array(line[1:]))))
        scores = [reader.scorer.score(text, bool(says)) for text, says in zip(texts, phrased, strict=True)]
        np.testing.assert_allclose([getattr(one, name) for one in scores], expected, rtol=1e-7, atol=1e-9)


@given(st.text())
def test_any_text_has_a_distribution(reader: Reader, text: str) -> None:
    score = reader.scorer.score(text)
    assert score.probabilities.sum() == pytest.approx(1.0)
    assert 0.0 <= score.police <= 1.0
    assert 0.0 <= score.danger <= 1.0


def test_the_opening_of_a_letter_is_its_first_sentences() -> None:
    rest = "前后反映过多次，" * 20
    assert opening("路灯不亮。" + "灯" * (LONG - 6)) == ""
    assert opening("关于延长二路公交末班车的建议。" + rest) == "关于延长二路公交末班车的建议"
    assert opening("您好！我想问医保怎么转。" + rest) == "您好！我想问医保怎么转"
    assert opening(rest) == rest[:40]


def test_a_letter_is_about_what_its_opening_says_and_danger_is_heard_anywhere(reader: Reader) -> None:
    middle = "这件事前后反映了好几次，每次都说已经记下来了会转给有关的单位，可是到现在也没有一个人回过话。" * 3
    title, end = "关于延长二路公交末班车时间的建议。", "孩子现在被他反锁在屋里，他拿着刀说要一起死。"
    about = {reader.read(first + middle).category for first in (title, "关于医保异地报销比例的疑问。")}
    assert len(about) == 2
    assert reader.read(title + middle + end).danger


@pytest.mark.parametrize("column", [DANGER, 0, 17])
def test_the_decisive_pairs_are_those_whose_rows_lie_most_along_the_direction(
    reader: Reader, some_texts: list[Text], column: int
) -> None:
    weights, rows = reader.weights, {name: row for row, name in enumerate(reader.weights.vocabulary)}
    for text in [text.text for text in some_texts[:40]]:
        pulls = {at: _pull(rows.get(text[at : at + 2], -1), weights, column) for at in range(len(text) - 1)}
        order = sorted((at for at in pulls if pulls[at] > 0), key=lambda at: -pulls[at])[:5]
        assert reader.scorer.decisive(text, column, 5) == sorted(order)


def _pull(row: int, weights: Weights, column: int) -> float:
    """What a feature adds for a category or danger, written out."""
    if row < 0:
        return 0.0
    if column == DANGER:
        return float(weights.wide[row, -2])
    own = weights.topics % len(weights.categories) == column
    above = float(own.sum() * weights.loud * weights.wide[row, weights.above[column]])
    if row >= len(weights.deep):
        return above
    said = weights.deep[row].astype(float)
    return above + float((said[own] - said.mean()).sum())


def test_what_speaks_for_all_topics_alike_decides_nothing(reader: Reader, some_texts: list[Text]) -> None:
    weights = reader.weights
    louder = Reader(reader.city, replace(weights, deep=weights.deep + np.float32(0.5)))
    topics = weights.topics % len(weights.categories)
    column = int(next(at for at in topics if np.count_nonzero(topics == at) == 1))  # never endangered
    for text in [text.text for text in some_texts[:40]]:
        pulling = louder.scorer.decisive(text, column, 5)
        assert pulling == reader.scorer.decisive(text, column, 5)


def test_the_fused_path_is_much_faster(machines: Machines, twin: Reader, some_texts: list[Text]) -> None:
    texts = [text.text for text in some_texts[:200]]

    def best(read: object) -> float:
        spent = []
        for _ in range(3):
            start = time.perf_counter()
            for text in texts:
                read(text)  # type: ignore[operator]  # either path
            spent.append(time.perf_counter() - start)
        return min(spent)

    assert best(lambda text: machines.margins([text])) > 3 * best(twin.scorer.margins)


def test_what_was_saved_comes_back_and_is_shared(tmp_path: Path, weights: Weights) -> None:
    save(weights, tmp_path / "m")
    found = restore(tmp_path / "m")
    assert found is not None
    assert isinstance(found.deep, np.memmap)
    assert isinstance(found.wide, np.memmap)
    np.testing.assert_array_equal(found.deep, weights.deep)
    np.testing.assert_array_equal(found.wide, weights.wide)
    arrays = {name: getattr(weights, name) for name in ("deep", "wide", "bias", "topics", "topic_bias")}
    assert replace(found, **arrays) == replace(weights, facts=found.facts)


@pytest.mark.parametrize("name", ["deep.npy", "wide.npy", "model.json"])
@pytest.mark.parametrize("harm", [b"", b"{}", b"\x93NUMPY\x01\x00garbage"])
def test_a_damaged_model_is_no_model(tmp_path: Path, weights: Weights, name: str, harm: bytes) -> None:
    save(weights, tmp_path / "m")
    (tmp_path / "m" / name).write_bytes(harm)
    assert restore(tmp_path / "m") is None


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda topics, _: [-1, *topics[1:]],
        lambda topics, _: [2**40, *topics[1:]],
        lambda topics, _: topics[:-1],
        lambda topics, columns: [*topics[:-1], columns],
    ],
    ids=["negative", "huge", "one too few", "beyond the categories"],
)
def test_topics_that_do_not_fit_are_no_model(
    tmp_path: Path, weights: Weights, spoilt: Callable[[list[int], int], list[int]]
) -> None:
    save(weights, tmp_path / "m")
    path = tmp_path / "m" / "model.json"
    kept = json.loads(path.read_text("utf-8"))
    kept["topics"] = spoilt(kept["topics"], 2 * len(kept["categories"]))
    path.write_text(json.dumps(kept), "utf-8")
    assert restore(tmp_path / "m") is None


def test_who_saves_second_leaves_the_first_in_place(tmp_path: Path, weights: Weights) -> None:
    save(weights, tmp_path / "m")
    before = (tmp_path / "m" / "deep.npy").stat().st_ino
    save(weights, tmp_path / "m")
    assert (tmp_path / "m" / "deep.npy").stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
