"""Routes of figures: the summary, every figure of a range and the records behind it, files, the bulletin."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from engine import bulletins, figuring
from engine.errors import Fault, NotFound, Refused
from engine.http.asking import Here, Id, Limit, Who, allow
from engine.http.audited import Audited
from engine.http.problems import responses
from engine.http.ranges import DAY_MS, From, To, range_of
from engine.http.service import Service
from engine.http.summary import summary
from engine.http.tokens import LOOK
from engine.loop.notices import stamp
from engine.model.call import Instant
from engine.reports import export
from engine.reports.catalogue import BY, FIGURES
from engine.reports.tables import table_of

router = APIRouter(route_class=Audited, tags=["reports"])
_LAST_YEAR_MS = 364 * DAY_MS
"""Fifty-two weeks: the same weekdays a year ago."""
By = Annotated[Literal["", *BY], Query(description="Take every figure apart by this.")]  # type: ignore[valid-type]  # the list is kept elsewhere
Compare = Annotated[Literal["", "before", "last_year"], Query(description="The range before, or 52 weeks ago.")]
Day = Annotated[date | None, Query(description="Local date of the day, or any day of the week; default yesterday.")]


@router.get("/reports/summary", responses=responses(401, 403, 422, 503))
async def report_summary(s: Here, who: Who, since: From = None, to: To = None) -> dict[str, Any]:
    """Figures of the range, beside counters since the start of this store and what waits where."""
    allow(who, LOOK)
    start, end = range_of(s, since, to)
    found = await s.desk.ask(s.rules().city, figuring.received, start, end)
    return await summary(s) | {"range": _said(s, start, end) | {"complete": True} | found}


def _said(s: Service, start: Instant, end: Instant) -> dict[str, Any]:
    return {"from": stamp(start, s.rules().city), "to": stamp(end, s.rules().city)}


@router.get("/reports/figures", responses=responses(401, 403, 422, 503))
async def figures(
    s: Here, who: Who, since: From = None, to: To = None, by: By = "", compare: Compare = ""
) -> dict[str, Any]:
    """Every figure with its definition; `part` of `of` for shares, and where the records behind it are listed."""
    allow(who, LOOK)
    start, end = range_of(s, since, to)
    city = s.rules().city
    found = await s.desk.ask(city, figuring.figures, start, end, by)
    answer = _said(s, start, end) | {"by": by, **found}
    if compare and not by:
        back = _LAST_YEAR_MS if compare == "last_year" else end - start
        then = await s.desk.ask(city, figuring.figures, start - back, end - back, "")
        answer["compared"] = _said(s, start - back, end - back) | then
    return answer | {"figures": [_described(f) for f in FIGURES]}


def _described(name: str) -> dict[str, Any]:
    f = FIGURES[name]
    return {
        "id": f.id,
        "name": f.name,
        "group": f.group,
        "meaning": f.meaning,
        "share": bool(f.part),
        "of": f.kind,
        "target": f.target,
        "source": f.source,
        "records": f"/v1/reports/figures/{f.id}/records",
    }


@router.get("/reports/figures/{figure}/records", responses=responses(401, 403, 404, 422, 503))
async def records(
    s: Here,
    who: Who,
    figure: Id,
    since: From = None,
    to: To = None,
    side: Literal["part", "rest", "all"] = "part",
    by: By = "",
    value: Annotated[str, Query(max_length=120)] = "",
    limit: Limit = 100,
    skip: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> dict[str, Any]:
    """Ids behind a figure, newest first: those that count (`part`), the others (`rest`), or `all`."""
    allow(who, LOOK)
    if figure not in FIGURES:
        raise NotFound(f"no figure {figure}; /v1/reports/figures names them")
    kind = FIGURES[figure].kind
    if by and kind not in BY[by]:
        raise Refused(Fault("by", f"{figure} cannot be taken apart by {by}", "another, or none"))
    start, end = range_of(s, since, to)
    city = s.rules().city
    found = await s.desk.ask(city, figuring.records, figure, start, end, side, by, value, limit, skip)
    paths = {"call": "/v1/calls/", "order": "/v1/orders/", "alert": "/v1/alerts/"}
    rows = [{"id": r["id"], "at": stamp(r["at"], city), "href": paths[kind] + r["id"]} for r in found]
    return _said(s, start, end) | {"figure": figure, "kind": kind, "side": side, "records": rows}


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}, _XLSX: {}}, "description": "The file."}}


@router.get(
    "/reports/export", responses=responses(401, 403, 422, 503) | _FILES, response_class=Response, response_model=None
)
async def exported(
    s: Here,
    who: Who,
    since: From = None,
    to: To = None,
    by: By = "",
    form: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "csv",
) -> Response:
    """The figures as a file for a spreadsheet."""
    allow(who, LOOK)
    start, end = range_of(s, since, to)
    city = s.rules().city
    table = table_of(await s.desk.ask(city, figuring.figures, start, end, by), by, city)
    zone = ZoneInfo(city.tz)
    days = "_".join(f"{datetime.fromtimestamp(at / 1000, zone):%Y%m%d}" for at in (start, end))
    name = f"fenliu_{days}{'_' + by if by else ''}.{form}"
    raw = export.to_csv(table) if form == "csv" else export.to_xlsx(table, "数据")
    kind = "text/csv; charset=utf-8" if form == "csv" else _XLSX
    return Response(raw, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


@router.get("/reports/bulletin", responses=responses(401, 403, 422, 503), response_class=HTMLResponse)
async def bulletin(s: Here, who: Who, day: Day = None, span: Literal["day", "week"] = "day") -> HTMLResponse:
    """The daily or weekly bulletin in Chinese, for print."""
    allow(who, LOOK)
    city, now = s.rules().city, s.clock.now()
    chosen = day or datetime.fromtimestamp(now / 1000, ZoneInfo(city.tz)).date() - timedelta(days=1)
    if not 2000 <= chosen.year <= 2100:
        raise Refused(Fault("day", f"lies in the year {chosen.year}", "a year from 2000 to 2100"))
    return HTMLResponse(await s.desk.ask(city, bulletins.write, chosen.isoformat(), span, now))
