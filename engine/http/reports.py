"""Routes of figures: the summary of a range of time."""

from typing import Any

from fastapi import APIRouter

from engine.http.asking import Here, Who, allow
from engine.http.problems import responses
from engine.http.ranges import From, To, range_of
from engine.http.summary import summary
from engine.http.tokens import LOOK
from engine.loop.notices import stamp
from engine.reports import received, row_of
from engine.store import views

router = APIRouter(tags=["reports"])
_MOST_CALLS = 20_000
"""Calls one answer reads; a longer range says `complete: false` instead of taking minutes."""


@router.get("/reports/summary", responses=responses(401, 403, 422, 503))
async def report_summary(s: Here, who: Who, since: From = None, to: To = None) -> dict[str, Any]:
    """Figures of the range, beside counters since the start of this store and what waits where."""
    allow(who, LOOK)
    city = s.rules().city
    start, end = range_of(s, since, to)
    rows = [row_of(one) for one in await views.recent_calls(s.client, city.id, start, end, _MOST_CALLS)]
    said = {"from": stamp(start, city), "to": stamp(end, city), "complete": len(rows) < _MOST_CALLS}
    return await summary(s) | {"range": said | received(rows)}
