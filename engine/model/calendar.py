"""Calendar arithmetic: lengths of time that count working days, in the city's own time zone.

Instants are milliseconds since 1970-01-01T00:00:00Z. Pure: nothing here asks what time it is.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.model.call import Instant
from engine.model.city import Calendar, Length

_ONE_DAY = timedelta(days=1)
_WEEKEND = 5


def is_working_day(calendar: Calendar, day: date) -> bool:
    """Whether people work on that day: make-up days and ordinary weekdays, but no holiday."""
    iso = day.isoformat()
    return iso in calendar.make_up or (day.weekday() < _WEEKEND and iso not in calendar.holidays)


def local(calendar: Calendar, at: Instant) -> datetime:
    """An instant on the city's wall clock."""
    return datetime.fromtimestamp(at / 1000, ZoneInfo(calendar.tz))


def is_working_time(calendar: Calendar, at: Instant) -> bool:
    """Whether somebody sits in an office at that instant."""
    now = local(calendar, at)
    in_hours = calendar.day_start <= now.hour * 60 + now.minute < calendar.day_end
    return in_hours and is_working_day(calendar, now.date())


def add_length(calendar: Calendar, start: Instant, length: Length) -> Instant:
    """The instant at which `length` from `start` is over.

    `seconds` run on the wall clock. n working days end at the end of work of the n-th working day after the
    day of the start; a start after work or on a free day counts as the next working day's. With both, the
    seconds follow the working days.
    """
    end = start
    if length.working_days:
        day = _counted_day(calendar, start)
        for _ in range(length.working_days):
            day = _next_working_day(calendar, day)
        end = _instant(calendar, day, calendar.day_end)
    return end + length.seconds * 1000


def working_ms_between(calendar: Calendar, start: Instant, end: Instant) -> int:
    """Milliseconds of working time in [start, end); 0 when end is not after start."""
    return sum(max(0, min(end, closes) - max(start, opens)) for opens, closes in _working_spans(calendar, start, end))


def _working_spans(calendar: Calendar, start: Instant, end: Instant) -> Iterator[tuple[Instant, Instant]]:
    """(opening, closing) of every working day that [start, end) touches."""
    if end <= start:
        return
    day, last = local(calendar, start).date(), local(calendar, end).date()
    while day <= last:
        if is_working_day(calendar, day):
            yield _instant(calendar, day, calendar.day_start), _instant(calendar, day, calendar.day_end)
        day += _ONE_DAY


def _counted_day(calendar: Calendar, start: Instant) -> date:
    """The working day from which a start counts."""
    now = local(calendar, start)
    too_late = now.hour * 60 + now.minute >= calendar.day_end
    if too_late or not is_working_day(calendar, now.date()):
        return _next_working_day(calendar, now.date())
    return now.date()


def _next_working_day(calendar: Calendar, day: date) -> date:
    day += _ONE_DAY
    while not is_working_day(calendar, day):
        day += _ONE_DAY
    return day


def _instant(calendar: Calendar, day: date, minutes: int) -> Instant:
    """The instant of a wall-clock minute of a day; 1440 is the midnight that ends it."""
    if minutes == 1440:
        day, minutes = day + _ONE_DAY, 0
    wall = datetime.combine(day, time(minutes // 60, minutes % 60), ZoneInfo(calendar.tz))
    return round(wall.timestamp() * 1000)
