"""A bulletin put together: figures of a day or week, of the one before, hot spots, returns."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine import figuring
from engine.figuring import Reading
from engine.model.call import Instant
from engine.reports import hotspots
from engine.reports.bulletin import Bulletin, to_html
from engine.reports.tables import named

_WEEKS = 8
_MOST = 10
_DAYS = "一二三四五六日"


def write(reading: Reading, day: str, span: str, now: Instant) -> str:
    """The page of `day` (an ISO date), or with span `week` of the week, Monday to Sunday, that it lies in."""
    city, zone = reading.city, ZoneInfo(reading.city.tz)
    first, length = date.fromisoformat(day), 1
    if span == "week":
        first, length = first - timedelta(days=first.weekday()), 7
    before, start, end = (_midnight(first + timedelta(days=d), zone) for d in (-length, 0, length))
    values = figuring.figures(reading, start, end)
    hot = figuring.rising(reading, start, end, _WEEKS)
    return to_html(
        Bulletin(
            city=city.name,
            title="警情分流周报" if span == "week" else "警情分流日报",
            span=_said(first, length),
            made_at=f"{datetime.fromtimestamp(now / 1000, zone):%Y-%m-%d %H:%M}",
            values=values["values"],
            before=figuring.figures(reading, before, start)["values"],
            before_name="前一周" if span == "week" else "前一日",
            hot=[hotspots.reason(one, city, hot["weeks"]) for one in hot["found"].rising[:_MOST]],
            returned_by=[(named(r["body"], "body", city), r["returns"]) for r in values["returned_by"][:_MOST]],
            categories=_categories(reading, before, start, end),
        )
    )


def _midnight(day: date, zone: ZoneInfo) -> Instant:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _said(first: date, length: int) -> str:
    last = first + timedelta(days=length - 1)
    told = f"{first.year}年{first.month}月{first.day}日"
    return f"{told} 星期{_DAYS[first.weekday()]}" if length == 1 else f"{told}—{last.month}月{last.day}日"


def _categories(reading: Reading, before: Instant, start: Instant, end: Instant) -> list[tuple[str, int, int]]:
    now, then = (
        {c: rows["received"]["of"] for c, rows in figuring.figures(reading, *r, "category", "call")["groups"].items()}
        for r in ((start, end), (before, start))
    )
    top = sorted(now, key=lambda c: (-now[c], c))[:_MOST]
    return [(named(c, "category", reading.city), now[c], then.get(c, 0)) for c in top]
