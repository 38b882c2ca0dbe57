"""Duplicate linking on the labelled calls: mistakes are dear, so few are joined by themselves and more are shown.

The thresholds were chosen on the half `tune`; these floors stand on the half `measure`, a little under what
was measured. `python benchmarks/linking.py` prints the figures. Every negative is a hard one.
"""

from pathlib import Path

import pytest

import classifiers
from benchmarks.linking import FILE, Told, decisions, judge_us, pairs, scenes
from engine.model.city import City
from engine.model.values import replace


@pytest.fixture(scope="module")
def told(city: City, model: Path) -> list[list[Told]]:
    return scenes("measure", classifiers.load(city, model))


def test_the_set_is_what_it_says() -> None:
    lines = FILE.read_text("utf-8").splitlines()
    halves = ['"half": "tune"', '"half": "measure"']
    assert [sum(half in line for line in lines) for half in halves] == [28, 28]
    assert len(lines) * 10 >= 500, "five calls a scene are ten pairs"


def test_what_is_joined_by_itself_is_right(told: list[list[Told]], city: City) -> None:
    found = pairs(told, city.links)
    assert found.precision >= 0.95, found
    assert decisions(told, city.links).precision >= 0.95


def test_what_is_shown_to_a_person_finds_most_repeats(told: list[list[Told]], city: City) -> None:
    shown = replace(city.links, duplicate_similarity=city.links.possible_similarity)
    found = decisions(told, shown)
    assert found.recall >= 0.5, found
    assert found.precision >= 0.6, found


def test_four_times_the_candidates_cost_no_more_than_eight_times_the_time(told: list[list[Told]], city: City) -> None:
    assert judge_us(told, city.links, 80) < 8 * judge_us(told, city.links, 20)
