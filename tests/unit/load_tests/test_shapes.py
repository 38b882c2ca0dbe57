"""Shapes of load: as many calls as in life, at the times of life, played faster; the same seed is the same plan."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tests import shapes
from load_tests.calls import load

SAMPLES = load()
HOUR = 3_600.0


@given(name=st.sampled_from(sorted(shapes.SHAPES)), seed=st.integers(0, 2**32), number=st.integers(1, 300))
def test_every_plan_is_in_order_bounded_and_the_same_for_the_same_seed(name: str, seed: int, number: int):
    plan = shapes.plan(name, SAMPLES, seconds=60, seed=seed, number=number)
    times = [due.at for due in plan.calls]
    assert times == sorted(times)
    assert all(0 <= at <= 60 for at in times)
    assert all(due.since == pytest.approx(due.at * plan.faster) for due in plan.calls)
    assert plan == shapes.plan(name, SAMPLES, seconds=60, seed=seed, number=number)


def test_a_day_is_busy_by_day_and_quiet_before_dawn():
    plan = shapes.plan("day", SAMPLES, seconds=100, seed=1)
    by_hour = Counter(int(due.since / HOUR) for due in plan.calls)
    assert (len(plan.calls), plan.faster) == (5_000, 864.0)
    assert by_hour[19] > 2 * by_hour[4]


def test_a_storm_is_48_hours_of_three_times_the_usual_rate():
    plan = shapes.plan("storm", SAMPLES, seconds=100, seed=1)
    assert (len(plan.calls), plan.span_s) == (30_000, 48 * HOUR)


def test_one_caller_makes_250_calls_while_the_city_goes_on():
    plan = shapes.plan("caller", SAMPLES, seconds=60, seed=1)
    own = [due for due in plan.calls if due.tag == "caller"]
    assert (len(own), plan.span_s) == (250, 2.5 * HOUR)
    assert len({due.call.caller["phone"] for due in own}) == 1
    assert sum(due.tag == "city" for due in plan.calls) > 400
    few = shapes.plan("caller", SAMPLES, seconds=1, seed=1, number=10)
    assert len(few.calls) < 40, "a small sample of the shape has a small background"


def test_one_incident_is_reported_by_300_people_most_of_them_soon():
    plan = shapes.plan("incident", SAMPLES, seconds=60, seed=1)
    own = [due for due in plan.calls if due.tag == "incident"]
    assert len({due.call.caller["phone"] for due in own}) == len(own) == 300
    assert {due.call.place for due in own} == {"观澜国际3栋"}
    assert sum(due.since < 150 for due in own) > 150


def test_the_country_is_played_at_its_own_pace():
    plan = shapes.plan("country", SAMPLES, seconds=60, seed=1)
    assert plan.faster == 1
    assert 900 < len(plan.calls) < 1_100, "31 provinces of 32,000 calls a day, in their busiest hour"


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("flood", {}, "no shape 'flood': there are day"),
        ("week", {"seconds": 5}, "at most at 2000 calls a second"),
        ("day", {"number": 300_000, "seconds": 3_600}, "from 1 to 200000 calls"),
        ("day", {"number": -1}, "above 0"),
    ],
)
def test_what_is_asked_for_is_bounded(name: str, more: dict[str, int], why: str):
    with pytest.raises(ValueError, match=why):
        shapes.plan(name, SAMPLES, **{"seconds": 60, "seed": 1, **more})
