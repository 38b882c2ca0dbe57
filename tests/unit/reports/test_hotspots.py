"""Hot spots: what rises is found, what is merely busy is not, and chance is kept at bay."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, poisson

from engine.model.city import City
from engine.reports.effect import helped, said
from engine.reports.hotspots import hours_said, reason, rising
from engine.reports.sighting import Sighting, Spot, road_of
from engine.reports.usual import HOUR_MS, Level, Range, adjusted, spread_of

TZ = "Asia/Shanghai"
DAY = 24 * HOUR_MS
WEEK = 7 * DAY
START = int(datetime(2026, 11, 16, tzinfo=ZoneInfo(TZ)).timestamp() * 1000)  # a Monday, midnight
NOW, BASE = Range(START, START + WEEK, TZ), Range(START - 8 * WEEK, START, TZ)


def at(day: int, hour: float, n: int, address: str = "望潮路35号", **more: str) -> Sighting:
    """One incident `day` days after START."""
    where = {"district": "wc", "township": "wc-gl", "category": "order.noise"} | more
    return Sighting(f"C{day}.{hour}.{n}.{address}", START + day * DAY + int(hour * HOUR_MS), address=address, **where)


def noise(seed: int, weeks: range, per_day: float, address: str) -> list[Sighting]:
    """A place with chance alone, busiest in the evening."""
    random = np.random.default_rng(seed)
    shape = np.array([1] * 16 + [3] * 8) / 40
    return [
        at(day, hour, n, address)
        for day in range(7 * weeks.start, 7 * weeks.stop)
        for hour in range(24)
        for n in range(random.poisson(per_day * shape[hour]))
    ]


def test_a_road_that_rises_at_night_is_named_with_its_hours_and_reason(city: City) -> None:
    past = noise(1, range(-8, 0), 2.0, "望潮路")
    now = noise(2, range(0, 1), 2.0, "望潮路") + [
        at(day, 22.5, n, "望潮路") for day in range(7) for n in range(100, 103)
    ]
    (one,) = [r for r in rising(now, past, NOW, BASE).rising if r.spot.level == "road"]
    assert one.spot == Spot("road", "wc", "wc-gl", name="望潮路")
    assert one.hours == frozenset({21, 22, 23})
    assert one.calls >= 21
    assert one.corrected < 0.001
    words = reason(one, city, 8)
    assert words.startswith(f"鼓澜街道望潮路21–24时有 {one.calls} 起，前 8 周同星期同时段平时约 ")


def test_the_busiest_place_is_not_named_for_being_busy() -> None:
    past = noise(3, range(-8, 0), 60.0, "火车站") + noise(4, range(-8, 0), 0.3, "稻香东路")
    now = noise(5, range(0, 1), 60.0, "火车站") + [at(2, 15, n, "稻香东路") for n in range(12)]
    assert {r.spot.name for r in rising(now, past, NOW, BASE).rising} == {"稻香东路"}


def test_friday_nights_are_compared_with_friday_nights() -> None:
    past = [at(-7 * week + 4, 23, n, "酒吧街") for week in range(1, 9) for n in range(12)]
    friday = [at(4, 23, n, "酒吧街") for n in range(13)]
    assert not rising(friday, past, NOW, BASE).rising
    tuesday = [at(1, 23, n, "酒吧街") for n in range(13)]
    (one,) = rising(tuesday, past, Range(START + DAY, START + 2 * DAY, TZ), BASE).rising
    assert one.usual < 1


def test_a_place_that_always_swings_needs_more() -> None:
    """The same rise over the same mean: surprising in a steady place, not in one whose weeks go up and down anyway."""
    steady = [at(-7 * w + d, 15, n, "甲路") for w in range(1, 9) for d in range(7) for n in range(2)]
    swinging = [at(-7 * w + d, 15, n, "乙路") for w in range(1, 9) for d in range(7) for n in range(4 if w % 2 else 0)]
    now = [at(d, 15, n, road) for d in range(7) for n in range(4) for road in ("甲路", "乙路")]
    assert {r.spot.name for r in rising(now, steady + swinging, NOW, BASE).rising} == {"甲路"}


def test_a_narrow_place_speaks_for_the_wide_one_around_it() -> None:
    now = [at(3, 10, n, "望潮路35号") for n in range(9)]
    past = noise(6, range(-8, 0), 1.0, "望潮路")
    assert [(r.spot.level, r.spot.name) for r in rising(now, past, NOW, BASE).rising] == [("address", "望潮路35号")]


def test_chance_alone_names_almost_nothing() -> None:
    """200 places without any change, in three cities: of six hundred places at most one may be named."""
    named = 0
    for seed in range(3):
        past = [s for n in range(200) for s in noise(1000 * seed + n, range(-8, 0), 0.6, f"{n}路")]
        now = [s for n in range(200) for s in noise(1000 * seed + 500 + n, range(0, 1), 0.6, f"{n}路")]
        named += len(rising(now, past, NOW, BASE).rising)
    assert named <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_correction_is_benjamini_and_hochbergs(chances: list[float]) -> None:
    assert adjusted(chances, len(chances)) == pytest.approx(list(false_discovery_control(chances)))


@given(st.floats(0.5, 30), st.integers(0, 60))
def test_a_mean_known_for_certain_is_poisson(mean: float, seen: int) -> None:
    exact = float(poisson.sf(seen - 1, mean)) if seen else 1.0
    assert Level(mean, float("inf")).surprise(seen) == pytest.approx(exact)
    assert Level(mean, 1e9).surprise(seen) == pytest.approx(exact, rel=1e-3, abs=1e-12)
    assert Level(mean, 2.0).surprise(seen) >= 0


def test_weeks_that_differ_by_chance_have_no_spread() -> None:
    assert spread_of([5, 5, 6, 5, 4, 5, 5, 5]) == 0
    assert spread_of([0, 10, 0, 10, 0, 10]) > 0.5


def test_words_of_hours_and_roads() -> None:
    assert hours_said(frozenset({21, 22, 23, 0, 1, 2})) == "21–次日3时"
    assert hours_said(frozenset(range(24))) == "全天"
    assert road_of("望潮路35号") == "望潮路"
    assert road_of("旗亭百货") == "旗亭百货"


def test_a_patrol_helped_when_its_place_falls_and_the_city_does_not() -> None:
    spot, hours = Spot("road", "wc", "wc-gl", name="望潮路"), frozenset({21, 22, 23})
    before, after = Range(START - 2 * WEEK, START, TZ), Range(START, START + 2 * WEEK, TZ)
    elsewhere = [at(d, 22, n, "稻香东路") for d in range(-14, 14) for n in range(10)]
    here = [at(d, 22, n, "望潮路") for d in range(-14, 0) for n in range(2)] + [
        at(d, 22, 0, "望潮路") for d in range(5)
    ]
    found = helped(here + elsewhere, spot, hours, before, after)
    assert (found.before, found.after, found.rest_before, found.rest_after) == (28, 5, 140, 140)
    assert found.expected == pytest.approx(28)
    assert found.verdict == "fewer"
    assert "巡逻有效" in said(found)
    quiet = [at(d, 22, n, "稻香东路") for d in range(-14, 0) for n in range(10)] + [
        at(d, 22, n, "稻香东路") for d in range(14) for n in range(2)
    ]
    assert helped(here + quiet, spot, hours, before, after).verdict == "unclear", "the whole city fell"
