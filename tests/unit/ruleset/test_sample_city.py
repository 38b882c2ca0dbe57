"""The sample city of rules/: it holds together, and it says what the field's papers ask for."""

from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.calendar import is_working_day
from engine.model.city import BodyKind, City, Tier
from engine.model.dutytable import bodies_of, duty_for
from engine.model.order import Event
from engine.model.phrases import spoken
from engine.model.reading import Matter
from engine.ruleset import check, load
from engine.ruleset.coverage import place_of

from .conftest import SAMPLE


@lru_cache(maxsize=1)
def city() -> City:
    return load(SAMPLE, bodies_url="http://127.0.0.1:8119")


def test_it_has_neither_faults_nor_warnings_and_its_own_tests_pass() -> None:
    assert check(SAMPLE) == ((), ())


def test_it_is_as_large_as_it_should_be() -> None:
    tiers = [area.tier for area in city().areas.values()]
    assert (tiers.count(Tier.DISTRICT), tiers.count(Tier.TOWNSHIP)) == (3, 12)
    for township in (area for area in city().areas.values() if area.tier is Tier.TOWNSHIP):
        below = [area for area in city().areas.values() if area.parent == township.id]
        assert len(below) >= 3
        assert len(township.roads) + sum(len(area.roads) for area in below) >= 10
    assert sum(len(rule.phrases) for rule in city().danger) >= 150
    assert len(city().harmless) >= 80


def test_every_body_has_an_address_and_a_way_up() -> None:
    tops = {body.id for body in city().bodies.values() if not body.parent}
    assert tops == {"cmd-leader", "hot-12345"}
    assert all(body.endpoint.endswith(f"/bodies/{body.id}") for body in city().bodies.values())


AREAS = sorted(area.id for area in city().areas.values())
CATEGORIES = sorted(city().taxonomy.categories)


@given(st.sampled_from(CATEGORIES), st.sampled_from(AREAS), st.integers(0, 23))
def test_somebody_takes_every_call_and_departments_keep_their_matters(category: str, area: str, hour: int) -> None:
    place = place_of(city(), area)
    row = duty_for(city().duties, category, place, hour)
    assert row
    takers = [city().bodies[body] for body in bodies_of(city(), row, place)]
    assert takers
    if city().taxonomy.categories[category].matter is Matter.GOVERNMENT:
        assert BodyKind.TOWNSHIP not in {body.kind for body in takers}
    assert row.procedure in city().procedures or row.handoff == "none"


@pytest.mark.parametrize("category", ["utilities.water", "utilities.power", "utilities.gas", "utilities.heating"])
def test_public_services_are_put_through_at_any_hour(category: str) -> None:
    for hour in range(24):
        row = duty_for(city().duties, category, place_of(city(), "wc-gl"), hour)
        assert row
        assert row.urgent
        assert city().bodies[bodies_of(city(), row, place_of(city(), "wc-gl"))[0]].live_transfer


@pytest.mark.parametrize(
    ("category", "joint"),
    [("help.fire", "er-119"), ("help.medical", "er-120"), ("traffic.accident_injury", "er-122"),
     ("traffic.accident_injury", "er-120"), ("hazard.gas", "city-gas")],
)  # fmt: skip
def test_fire_ambulance_and_traffic_are_told_at_once(category: str, joint: str) -> None:
    row = duty_for(city().duties, category, place_of(city(), "qh-lt"), 3)
    assert row
    assert joint in row.joint


@pytest.mark.parametrize(("procedure", "days"), [("consultation", 2), ("help_order", 10), ("work_order", 15)])
def test_written_limits_are_the_published_ones(procedure: str, days: int) -> None:
    steps = {rule.step: rule.within for rule in city().procedures[procedure].steps}
    assert steps[Event.REPORT].working_days == days


@pytest.mark.parametrize("year", [2026])
def test_the_calendar_agrees_with_the_published_one(year: int) -> None:
    day = date(year, 1, 1)
    while day.year == year:
        assert is_working_day(city().calendar, day) == chinese_calendar.is_workday(day), day
        day += timedelta(days=1)


def test_no_figure_of_speech_is_danger_by_itself() -> None:
    loud = [word for word in city().harmless for rule in city().danger if spoken(rule, word, city().harmless)]
    assert loud == []


def test_every_phrase_speaks_when_it_stands_alone() -> None:
    mute = [
        (rule.name, phrase)
        for rule in city().danger
        for phrase in rule.phrases
        if not any(spoken(each, phrase, city().harmless) for each in city().danger)
    ]
    assert mute == []
