"""Routes of figures: the summary and the hot spots of a range of time."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from engine.errors import Fault, Refused
from engine.http.asking import Here, Who, allow
from engine.http.problems import responses
from engine.http.service import Service
from engine.http.summary import summary
from engine.http.tokens import LOOK
from engine.loop.notices import stamp
from engine.model.call import Instant
from engine.reports import Row, hot_spots, received, row_of
from engine.store import views

router = APIRouter(tags=["reports"])
_DAY_MS = 86_400_000
_MOST_CALLS = 20_000
"""Calls one answer reads; a longer range says `complete: false` instead of taking minutes."""
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
From = Annotated[datetime | None, Query(alias="from", description="RFC 3339 with offset; default a day before `to`.")]
To = Annotated[datetime | None, Query(description="RFC 3339 with offset; default now.")]


@router.get("/reports/summary", responses=responses(401, 403, 422, 503))
async def report_summary(s: Here, who: Who, since: From = None, to: To = None) -> dict[str, Any]:
    """Figures of the range, beside counters since the start of this store and what waits where."""
    allow(who, LOOK)
    start, end, rows = await _rows(s, since, to)
    return await summary(s) | {"range": _said(s, start, end, rows) | received(rows)}


@router.get("/hotspots", responses=responses(401, 403, 422, 503))
async def hotspots(s: Here, who: Who, since: From = None, to: To = None) -> dict[str, Any]:
    """Townships by number of calls in the range, with hours and main categories."""
    allow(who, LOOK)
    start, end, rows = await _rows(s, since, to)
    return _said(s, start, end, rows) | {"spots": hot_spots(rows, s.rules().city.tz)}


async def _rows(s: Service, since: datetime | None, to: datetime | None) -> tuple[Instant, Instant, list[Row]]:
    end = _instant("to", to) if to else s.clock.now()
    start = _instant("from", since) if since else end - _DAY_MS
    if start > end:
        raise Refused(Fault("from", "lies after `to`", "a range that goes forward"))
    found = await views.recent_calls(s.client, s.rules().city.id, start, end, _MOST_CALLS)
    return start, end, [row_of(one) for one in found]


def _instant(name: str, at: datetime) -> Instant:
    if at.tzinfo is None:
        raise Refused(Fault(name, "needs an offset", "such as 2026-11-22T08:30:00+08:00 (+ is %2B in an address)"))
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise Refused(Fault(name, f"lies in the year {at.year}", f"a year from {_FIRST_YEAR} to {_LAST_YEAR}"))
    return round(at.timestamp() * 1000)


def _said(s: Service, start: Instant, end: Instant, rows: list[Row]) -> dict[str, Any]:
    city = s.rules().city
    return {"from": stamp(start, city), "to": stamp(end, city), "complete": len(rows) < _MOST_CALLS}
