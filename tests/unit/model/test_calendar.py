"""Working days: what counts, when they end, and that no start is treated worse than a later one."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.calendar import add_length, is_working_time, local, working_ms_between
from engine.model.city import Calendar, Length

# 2026: National Day 1–7 October (Thu–Wed), Saturday 10 October is worked.
CALENDAR = Calendar(
    tz="Asia/Shanghai",
    day_start=9 * 60,
    day_end=17 * 60,
    holidays=frozenset(f"2026-10-0{d}" for d in (1, 2, 5, 6, 7)),
    make_up=frozenset({"2026-10-10"}),
)
HOUR = 3_600_000
INSTANTS = st.integers(1_767_225_600_000, 1_830_297_600_000)  # 2026 and 2027


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)


def after(start: str, days: int) -> str:
    return local(CALENDAR, add_length(CALENDAR, at(start), Length(working_days=days))).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-09-21 10:00", 1, "09-22 17:00"),
        ("2026-09-21 00:30", 1, "09-22 17:00"),
        ("2026-09-21 16:59", 2, "09-23 17:00"),
        ("2026-09-21 17:00", 1, "09-23 17:00"),
        ("2026-09-26 12:00", 1, "09-29 17:00"),
        ("2026-09-30 10:00", 1, "10-08 17:00"),
        ("2026-10-08 10:00", 2, "10-10 17:00"),
        ("2026-10-09 18:00", 1, "10-12 17:00"),
    ],
)
def test_working_days_end_with_work(start: str, days: int, end: str) -> None:
    assert after(start, days) == end


def test_seconds_run_through_the_night() -> None:
    assert add_length(CALENDAR, at("2026-10-01 23:59"), Length(seconds=120)) == at("2026-10-02 00:01")


def test_seconds_follow_working_days() -> None:
    assert add_length(CALENDAR, at("2026-09-21 10:00"), Length(seconds=60, working_days=1)) == at("2026-09-22 17:01")


def test_a_day_may_end_at_midnight() -> None:
    late = Calendar("Asia/Shanghai", 0, 1440)
    assert add_length(late, at("2026-09-21 23:59"), Length(working_days=1)) == at("2026-09-23 00:00")


def test_working_time_skips_nights_and_holidays() -> None:
    assert working_ms_between(CALENDAR, at("2026-09-30 16:00"), at("2026-10-08 10:00")) == 2 * HOUR
    assert working_ms_between(CALENDAR, at("2026-10-10 00:00"), at("2026-10-12 00:00")) == 8 * HOUR


@given(INSTANTS, st.integers(1, 20))
def test_a_deadline_lies_ahead_at_the_end_of_a_working_day(start: int, days: int) -> None:
    end = add_length(CALENDAR, start, Length(working_days=days))
    assert end > start
    assert is_working_time(CALENDAR, end - 1)
    assert not is_working_time(CALENDAR, end)
    # From the counted day's end on, exactly `days` whole days of work are given.
    assert days * 8 * HOUR <= working_ms_between(CALENDAR, start, end) <= (days + 1) * 8 * HOUR


@given(INSTANTS, INSTANTS, st.integers(1, 15))
def test_who_starts_later_is_never_due_earlier(one: int, two: int, days: int) -> None:
    first, second = sorted((one, two))
    length = Length(working_days=days)
    assert add_length(CALENDAR, first, length) <= add_length(CALENDAR, second, length)


@given(st.lists(INSTANTS, min_size=3, max_size=3))
def test_working_time_adds_up(instants: list[int]) -> None:
    a, b, c = sorted(instants)
    whole = working_ms_between(CALENDAR, a, c)
    assert whole == working_ms_between(CALENDAR, a, b) + working_ms_between(CALENDAR, b, c)
    assert 0 <= whole <= c - a
    assert working_ms_between(CALENDAR, c, a) == 0
