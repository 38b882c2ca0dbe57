"""Console room: figures of any range, compared, taken apart, with the records behind each, files and the bulletin."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from typing import Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.responses import Response

from engine.console.parts import html
from engine.console.room import Room, Visit, asset, frame, to_sign_in, visit
from engine.errors import FenliuError
from engine.http import reports
from engine.http.tokens import Role, User
from engine.reports.bulletin import changed, shown
from engine.reports.catalogue import BY, FIGURES, GROUPS, Figure
from engine.reports.tables import named

_SPANS = {"today": 1, "yesterday": 1, "week": 7, "last_week": 7, "month": 31, "range": 0}
_LEAD = (
    "received",
    "non_police_share",
    "diversion_rate",
    "settled",
    "open",
    "overdue_rate",
    "solution_rate",
    "satisfaction_rate",
    "alerts",
    "precision",
)
_PAGE = 100
_LONGEST = 800
"""Days of one range at most: two years and a bit."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for; local dates, `last` inclusive."""

    span: str
    first: date
    last: date
    compare: str = "before"
    by: str = ""

    def ends(self, tz: str) -> tuple[datetime, datetime]:
        """[start, end) as instants with an offset."""
        zone = ZoneInfo(tz)
        after = self.last + timedelta(days=1)
        start, end = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (self.first, after))
        return start, end

    def query(self, **other: str) -> str:
        """The address of the same question, with something else in it."""
        asked = {
            "span": self.span,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "compare": self.compare,
            "by": self.by,
        }
        return urlencode(asked | other)


def chosen(asked: dict[str, str], today: date) -> Chosen:
    """From the address; what is missing or senseless becomes today against yesterday."""
    span = asked.get("span", "today")
    compare = asked.get("compare", "before")
    by = asked.get("by", "")
    first, last = _days(span, asked, today)
    return Chosen(
        span if span in _SPANS else "today",
        first,
        last,
        compare if compare in ("before", "last_year") else "before",
        by if by in BY and by != "day" else "",
    )


def _days(span: str, asked: dict[str, str], today: date) -> tuple[date, date]:
    monday = today - timedelta(days=today.weekday())
    known = {
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "week": (monday, today),
        "last_week": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "month": (today.replace(day=1), today),
    }
    if span != "range":
        return known.get(span, (today, today))
    try:
        first, last = date.fromisoformat(asked.get("from", "")), date.fromisoformat(asked.get("to", ""))
    except ValueError:
        return today, today
    first, last = min(first, last), max(first, last)
    return max(first, date(2000, 1, 1), last - timedelta(days=_LONGEST)), min(last, date(2100, 1, 1))


def add(app: FastAPI, room: Room) -> None:
    """The page, the list behind a figure, files and the bulletin."""

    @ui.page("/figures", response_timeout=60)
    async def page(request: Request) -> Response | None:
        seen = visit(room, request)
        if seen is None or seen.viewer.role is Role.BODY:
            return to_sign_in(request)
        c = chosen(dict(request.query_params), _today(room))
        with frame(room, seen, "figures", seen.words("figures")), _page():
            html(_form(c, seen))
            await _answers(room, seen, c)
        return None

    @ui.page("/figures/{figure}/records", response_timeout=60)
    async def records(request: Request, figure: str) -> Response | None:
        seen = visit(room, request)
        if seen is None or seen.viewer.role is Role.BODY or figure not in FIGURES:
            return to_sign_in(request)
        with frame(room, seen, "figures", name_of(FIGURES[figure], seen)), _page():
            html(await _records(room, seen, FIGURES[figure], dict(request.query_params)))
        return None

    @app.get("/figures-file", include_in_schema=False)
    async def file(request: Request) -> Response:
        seen = visit(room, request)
        if seen is None or seen.viewer.role is Role.BODY:
            return to_sign_in(request)
        asked = dict(request.query_params)
        c = chosen(asked, _today(room))
        start, end = c.ends(room.service.rules().city.tz)
        form: Any = "xlsx" if asked.get("format") == "xlsx" else "csv"
        return await reports.exported(room.service, _user(seen), start, end, c.by, form)

    @app.get("/bulletin", include_in_schema=False)
    async def bulletin(request: Request) -> Response:
        seen = visit(room, request)
        if seen is None or seen.viewer.role is Role.BODY:
            return to_sign_in(request)
        asked = dict(request.query_params)
        c = chosen(asked | {"span": "range", "to": asked.get("from", "")}, _today(room) - timedelta(days=1))
        span: Any = "week" if asked.get("span") == "week" else "day"
        return await reports.bulletin(room.service, _user(seen), c.first, span)


def _page() -> ui.element:
    ui.add_head_html(f'<link rel="stylesheet" href="{asset("figures.css")}">')
    return ui.element("div").classes("f-page")


def _user(seen: Visit) -> User:
    return User(seen.viewer.name, seen.viewer.role, seen.viewer.body)


def _today(room: Room) -> date:
    zone = ZoneInfo(room.service.rules().city.tz)
    return datetime.fromtimestamp(room.service.clock.now() / 1000, zone).date()


def name_of(figure: Figure, seen: Visit) -> str:
    """Its Chinese name, or its id in words for those who read English."""
    return figure.name if seen.words.language == "zh" else figure.id.replace("_", " ")


_COMPARE: dict[str, Literal["before", "last_year"]] = {"before": "before", "last_year": "last_year"}


async def _answers(room: Room, seen: Visit, c: Chosen) -> None:
    """Tiles, charts and tables; a refusal is said in its own words."""
    service, who, city = room.service, _user(seen), room.service.rules().city
    start, end = c.ends(city.tz)
    try:
        found = await reports.figures(service, who, start, end, "", _COMPARE[c.compare])
        days = await reports.figures(service, who, start, end, "day", "")
        groups = (await reports.figures(service, who, start, end, c.by, ""))["groups"] if c.by else {}
    except FenliuError as error:
        html(f'<section class="f-panel" role="alert">{escape(str(error))}</section>')
        return
    html(_tiles(found, seen, c))
    if c.first != c.last:
        _trend(days["groups"], seen)
    if c.by:
        html(_groups(groups, seen, c, city))
    html("".join(_table(g, found, seen, c) for g in GROUPS), "q-tables")
    html(_returners(found["returned_by"], seen, city))


def _form(c: Chosen, seen: Visit) -> str:
    t = seen.words
    spans = "".join(
        f'<a href="/figures?{c.query(span=s)}"{" aria-current=true" if s == c.span else ""}>{escape(t("q_" + s))}</a>'
        for s in _SPANS
        if s != "range"
    )
    comparing = "".join(_option(v, t("q_" + v), c.compare) for v in ("before", "last_year"))
    parting = _option("", t("q_whole"), c.by) + "".join(_option(v, t("q_by_" + v), c.by) for v in BY if v != "day")
    monday = c.first - timedelta(days=c.first.weekday())
    return (
        f'<section class="f-panel q-ask"><h2>{escape(t("figures"))}<small>{c.first} – {c.last}</small></h2>'
        f'<nav class="q-spans" aria-label="{escape(t("q_range"))}">{spans}</nav>'
        f'<form action="/figures" method="get"><input type="hidden" name="span" value="range">'
        f'<label>{escape(t("q_from"))} <input type="date" name="from" value="{c.first}" required></label>'
        f'<label>{escape(t("q_to"))} <input type="date" name="to" value="{c.last}" required></label>'
        f'<label>{escape(t("q_compare"))} <select name="compare">{comparing}</select></label>'
        f'<label>{escape(t("q_by"))} <select name="by">{parting}</select></label>'
        f"<button>{escape(t('q_show'))}</button></form>"
        f'<p class="q-files"><a href="/figures-file?{c.query(format="csv")}" download>CSV</a>'
        f'<a href="/figures-file?{c.query(format="xlsx")}" download>Excel</a>'
        f'<a href="/bulletin?from={c.last}">{escape(t("q_daily"))}</a>'
        f'<a href="/bulletin?from={monday}&amp;span=week">{escape(t("q_weekly"))}</a></p></section>'
    )


def _option(value: str, said: str, now: str) -> str:
    return f'<option value="{value}"{" selected" if value == now else ""}>{escape(said)}</option>'


def _behind(figure: Figure, seen: Visit, c: Chosen, said: str, **more: str) -> str:
    """A value that opens the records behind it."""
    label = f"{name_of(figure, seen)} {said}"
    where = f"/figures/{figure.id}/records?{escape(c.query(span='range', **more))}"
    return f'<a href="{where}" aria-label="{escape(label)}">{said}</a>'


def _tiles(found: dict[str, Any], seen: Visit, c: Chosen) -> str:
    tiles = ""
    for name in _LEAD:
        f, now = FIGURES[name], found["values"][name]["value"]
        then = found["compared"]["values"][name]["value"]
        target = f"<small>{escape(f.source)}</small>" if f.target is not None else ""
        tiles += (
            f'<div class="o-tile"><b>{_behind(f, seen, c, shown(f, now))}</b><span>{escape(name_of(f, seen))}</span>'
            f"<small>{changed(f, now, then)}</small>{target}</div>"
        )
    then = escape(seen.words("q_" + c.compare))
    title = f"{escape(seen.words('q_lead'))}<small>{then}</small>"
    return f'<section class="f-panel"><h2>{title}</h2><div class="o-tiles">{tiles}</div></section>'


def _trend(days: dict[str, Any], seen: Visit) -> None:
    """Calls a day as bars, the two shares as lines."""
    t, names = seen.words, sorted(days)

    def row(name: str) -> list[Any]:
        return [days[d].get(name, {}).get("value") for d in names]

    def line(name: str, colour: str) -> dict[str, Any]:
        values = [None if v is None else round(v * 100, 1) for v in row(name)]
        said = name_of(FIGURES[name], seen) + " %"
        return {"name": said, "type": "line", "yAxisIndex": 1, "data": values, "color": colour, "symbolSize": 5}

    soft = "#7c8794"
    axis = {"axisLabel": {"color": soft}, "splitLine": {"lineStyle": {"color": "#7c879433"}}}
    options = {
        "animation": False,
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0, "textStyle": {"color": soft}},
        "grid": {"left": 56, "right": 48, "top": 36, "bottom": 28},
        "xAxis": {"type": "category", "data": [d[5:] for d in names], "axisLabel": {"color": soft}},
        "yAxis": [{"type": "value", **axis}, {"type": "value", "max": 100, **axis, "splitLine": {"show": False}}],
        "series": [
            {"name": name_of(FIGURES["received"], seen), "type": "bar", "data": row("received"), "color": "#4f86c6"},
            line("non_police_share", "#c77d0a"),
            line("diversion_rate", "#2e8b57"),
        ],
    }  # fmt: skip
    with ui.element("section").classes("f-panel"):
        html(f"<h2>{escape(t('q_by_day'))}</h2>")
        ui.echart(options).classes("q-chart").props(f'role="img" aria-label="{escape(t("q_by_day"))}"')


def _table(group: str, found: dict[str, Any], seen: Visit, c: Chosen) -> str:
    t = seen.words
    rows = "".join(_row(f, found, seen, c) for f in FIGURES.values() if f.group == group)
    heads = "".join(
        f"<th scope=col>{escape(t(w))}</th>" for w in ("q_figure", "q_value", "q_of", "q_" + c.compare, "q_change")
    )
    return (
        f'<section class="f-panel"><h2>{escape(group)}</h2><div class="t-scroll" tabindex=0 role=region '
        f'aria-label="{escape(group)}"><table class="t-table q-table"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _row(f: Figure, found: dict[str, Any], seen: Visit, c: Chosen) -> str:
    now, then = found["values"][f.id], found["compared"]["values"][f.id]
    base = ""
    if f.part and now["of"]:
        part, of = f"{now['part']:,}", f"{now['of']:,}"
        base = f"{_behind(f, seen, c, part)} / {_behind(f, seen, c, of, side='all')}"
    source = f"<small>{escape(f.source)}</small>" if f.source and f.source[0] != "D" else ""
    return (
        f'<tr><th scope=row title="{escape(f.meaning)}">{escape(name_of(f, seen))}{source}</th>'
        f"<td class=num><b>{_behind(f, seen, c, shown(f, now['value']))}</b></td><td class=num>{base}</td>"
        f"<td class=num>{shown(f, then['value'])}</td><td class=num>{changed(f, now['value'], then['value'])}</td></tr>"
    )


_PARTED = (
    "received",
    "orders",
    "alerts",
    "non_police_share",
    "diversion_rate",
    "response_rate",
    "sign_60s",
    "return_rate",
    "overdue_rate",
    "solution_rate",
    "satisfaction_rate",
    "precision",
)


def _groups(groups: dict[str, Any], seen: Visit, c: Chosen, city: Any) -> str:
    """The chosen parts as rows, the leading figures as columns."""
    kinds = BY[c.by]
    columns = [FIGURES[n] for n in _PARTED if FIGURES[n].kind in kinds]
    heads = "".join(f'<th scope=col title="{escape(f.meaning)}">{escape(name_of(f, seen))}</th>' for f in columns)
    rows = ""
    for value, found in sorted(groups.items(), key=lambda g: -max(r["of"] for r in g[1].values())):
        cells = "".join(
            f"<td class=num>{_behind(f, seen, c, shown(f, found[f.id]['value']), value=value)}</td>"
            if f.id in found
            else "<td class=num>—</td>"
            for f in columns
        )
        rows += f"<tr><th scope=row>{escape(named(value, c.by, city))}</th>{cells}</tr>"
    title = escape(seen.words("q_by_" + c.by))
    return (
        f'<section class="f-panel"><h2>{title}</h2><div class="t-scroll" tabindex=0 role=region aria-label="{title}">'
        f'<table class="t-table q-table"><thead><tr><th scope=col>{title}</th>{heads}</tr></thead><tbody>{rows}</tbody>'
        "</table></div></section>"
    )


def _returners(rows: list[dict[str, Any]], seen: Visit, city: Any) -> str:
    if not rows:
        return ""
    told = "".join(
        f"<tr><th scope=row>{escape(named(r['body'], 'body', city))}</th><td class=num>{r['returns']:,}</td></tr>"
        for r in rows[:20]
    )
    title = escape(seen.words("q_returners"))
    table = f'<table class="t-table q-table"><tbody>{told}</tbody></table>'
    return f'<section class="f-panel"><h2>{title}</h2>{table}</section>'


async def _records(room: Room, seen: Visit, figure: Figure, asked: dict[str, str]) -> str:
    """One page of the records behind a figure."""
    t, city = seen.words, room.service.rules().city
    c = chosen(asked | {"span": "range"}, _today(room))
    start, end = c.ends(city.tz)
    side: Any = asked.get("side") if asked.get("side") in ("part", "rest", "all") else "part"
    skip = min(int(asked["skip"]), 10_000_000) if asked.get("skip", "").isdecimal() else 0
    by = c.by if "value" in asked and figure.kind in BY.get(c.by, {}) else ""
    value = asked.get("value", "")[:120]
    try:
        found = await reports.records(room.service, _user(seen), figure.id, start, end, side, by, value, _PAGE, skip)
    except FenliuError as error:
        return f'<section class="f-panel" role="alert">{escape(str(error))}</section>'
    rows = "".join(
        f"<tr><td>{r['at'][:16].replace('T', ' ')}</td>"
        f'<td><a href="/{figure.kind}s/{escape(r["id"])}">{escape(r["id"])}</a></td></tr>'
        for r in found["records"]
    )
    kept = {k: v for k, v in (("value", value),) if by}
    sides = "".join(
        f'<a href="?{escape(c.query(side=s, **kept))}"{" aria-current=true" if s == side else ""}>'
        f"{escape(t('q_side_' + s))}</a>"
        for s in (("part", "rest", "all") if figure.part else ("all",))
    )
    more = ""
    if len(found["records"]) == _PAGE:
        more = (
            f'<p><a href="?{escape(c.query(side=side, skip=str(skip + _PAGE), **kept))}">{escape(t("q_more"))}</a></p>'
        )
    part = f" · {escape(named(value, by, city))}" if by else ""
    return (
        f'<section class="f-panel"><h2>{escape(name_of(figure, seen))}{part}<small>{c.first} – {c.last}</small></h2>'
        f'<p>{escape(figure.meaning)}</p><nav class="q-spans">{sides}'
        f'<a href="/figures?{escape(c.query())}">{escape(t("q_back"))}</a></nav>'
        f'<table class="t-table q-table"><tbody>{rows}</tbody></table>{more}</section>'
    )
