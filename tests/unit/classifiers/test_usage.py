"""A city's own usage: learned from its texts, kept with the model, and never a way out of the police."""

from pathlib import Path

import numpy as np
import pytest

from classifiers.corpus import Text
from classifiers.matters import group_above, group_names
from classifiers.normalise import fold
from classifiers.reader import Reader
from classifiers.usage import Usage
from classifiers.usage_fit import LEAST_TEXTS, learn_usage
from classifiers.weights import Habit, Weights, restore, save
from engine.model.city import City
from engine.model.reading import Matter, Reading
from engine.model.values import replace

PLACES = ("东门", "西街", "南坡", "北桥", "河沿", "塔下", "井头", "石桥", "柳巷", "花园")


def _city_texts() -> tuple[list[str], list[str]]:
    """Letters of a city that counts stalls as commerce and street lamps as urban construction."""
    stalls = [f"尊敬的领导，{place}早市第{n}排摊贩占道摆摊，望核实" for place in PLACES for n in range(6)]
    lamps = [f"尊敬的领导，{place}第{n}盏路灯入夜不亮，望核实" for place in PLACES for n in range(6)]
    return [*stalls, *lamps], ["商贸旅游"] * len(stalls) + ["城乡建设"] * len(lamps)


def _learned(weights: Weights, some_texts: list[Text]) -> Habit:
    said, groups = _city_texts()
    habit = learn_usage(said, groups, np.zeros((len(said), len(weights.bias) - 2)), [t.text for t in some_texts])
    assert habit is not None
    return habit


@pytest.fixture(scope="module")
def accustomed(city: City, weights: Weights, some_texts: list[Text]) -> Reader:
    return Reader(city, replace(weights, habit=_learned(weights, some_texts)))


def test_a_text_like_the_citys_own_goes_where_the_city_puts_it(accustomed: Reader) -> None:
    reading = accustomed.read("尊敬的领导，城南早市有摊贩占道摆摊，望核实")
    assert reading.group == "商贸旅游"
    assert reading.candidates[0].category == reading.category
    assert [reason.text for reason in reading.reasons if reason.code == "usage"] == [
        "像本市已归类的来件，按本市习惯归入“商贸旅游”"
    ]


def test_a_text_unlike_them_is_read_as_before(reader: Reader, accustomed: Reader, some_texts: list[Text]) -> None:
    texts = [text.text for text in some_texts[::5]]
    same = [reader.read(text) == accustomed.read(text) for text in texts]
    assert np.mean(same) > 0.97


def test_no_usage_diverts_a_danger_or_a_police_matter(
    city: City, weights: Weights, reader: Reader, some_texts: list[Text]
) -> None:
    """Even one whose gate stands open for everything and that calls everything a matter of the lamps."""
    habit = _learned(weights, some_texts)
    blind = replace(habit, slopes=np.zeros_like(habit.slopes), offsets=np.array([0.0, 1.0, 1.0]))
    misled = Reader(city, replace(weights, habit=blind))
    texts = [text.text for text in some_texts[::3]]
    held = [text for text in texts if _held(reader.read(text))]
    assert len(held) > 100
    assert [text for text in held if not _held(misled.read(text)) and not misled.read(text).review] == []
    assert [text for text in texts if reader.read(text).danger and not misled.read(text).danger] == []


def _held(reading: Reading) -> bool:
    return reading.danger or reading.matter is Matter.POLICE


def test_too_few_texts_or_one_group_teach_nothing(some_texts: list[Text]) -> None:
    said, groups = _city_texts()
    others = [text.text for text in some_texts]
    assert learn_usage(said[:LEAST_TEXTS], groups[:LEAST_TEXTS], np.zeros((LEAST_TEXTS, 3)), others) is not None
    few = LEAST_TEXTS - 1
    assert learn_usage(said[:few], groups[:few], np.zeros((few, 3)), others) is None
    assert learn_usage(said, ["城乡建设"] * len(said), np.zeros((len(said), 3)), others) is None


def test_what_the_model_hears_decides_between_equal_words(weights: Weights, some_texts: list[Text], city: City) -> None:
    names = group_names(weights.categories, city.taxonomy)
    said, groups = _city_texts()
    heard = np.array([[2.0 if name == group else -2.0 for name in names] for group in groups])
    habit = learn_usage(said, groups, heard, [text.text for text in some_texts])
    assert habit is not None
    usage = Usage(habit)
    text = fold("尊敬的领导，有一处望核实")
    assert usage.group(text, heard[0]) == "商贸旅游"
    assert usage.group(text, heard[-1]) == "城乡建设"


def test_it_is_kept_with_the_model(weights: Weights, some_texts: list[Text], tmp_path: Path) -> None:
    habit = _learned(weights, some_texts)
    save(replace(weights, habit=habit), tmp_path / "own")
    again = restore(tmp_path / "own")
    assert again is not None
    assert again.habit is not None
    assert again.habit.groups == habit.groups
    assert np.array_equal(again.habit.slopes, habit.slopes)
    save(replace(weights, habit=replace(habit, idf=habit.idf[1:])), tmp_path / "broken")
    assert restore(tmp_path / "broken") is None


def test_a_group_the_taxonomy_does_not_know_changes_nothing(
    city: City, weights: Weights, some_texts: list[Text]
) -> None:
    habit = replace(_learned(weights, some_texts), groups=("旧组", "城乡建设"))
    odd = Reader(city, replace(weights, habit=habit))
    reading = odd.read("尊敬的领导，城南早市有摊贩占道摆摊，望核实")
    assert reading.group == group_above(reading.category, city.taxonomy)
    assert "usage" not in {reason.code for reason in reading.reasons}
