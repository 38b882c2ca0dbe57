"""Console room: hot spots 热点 → targeted patrol 靶向巡逻: what rises, where, when; one click makes a patrol order."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nicegui
from fastapi import FastAPI, Request
from nicegui import ui
from starlette.responses import Response

from engine.console.parts import INK, at_words, button, html
from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.console.rows import body_name, category_name
from engine.errors import FenliuError
from engine.http import hotspots as hot
from engine.http.tokens import Role, User
from engine.loop.patrol import PROCEDURE
from engine.model.city import City, Tier
from engine.model.order import Order
from engine.store import views

_DAY_MS = 86_400_000
_RANGES = (1, 7, 28)
_MOST_SHOWN = 20
_MOST_ORDERS = 500
_MOST_PATROLS = 8


class SpotsMap(ui.element, component="static/spots_map.js"):
    """Leaflet with the townships' outlines and the places that rise."""

    def __init__(self, areas: list[dict[str, Any]], spots: list[dict[str, Any]], label: str) -> None:
        # NiceGUI's bundle of Leaflet is only offered to pages once its module was imported.
        from nicegui.elements.leaflet import Leaflet  # noqa: F401 - imported to be offered

        super().__init__()
        self.add_resource(Path(nicegui.__file__).parent / "elements" / "leaflet" / "dist")
        self._props |= {"areas": areas, "spots": spots, "label": label}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one visit of the page shows."""

    room: Room
    visit: Visit
    days: int
    found: dict[str, Any]

    @property
    def city(self) -> City:
        """The city in force."""
        return self.room.service.rules().city

    @property
    def user(self) -> User:
        """The viewer as the routes know them."""
        return _user(self.visit)


def _user(seen: Visit) -> User:
    return User(seen.viewer.name, seen.viewer.role, seen.viewer.body)


def add(_: FastAPI, room: Room) -> None:
    """`/hotspots?days=…`."""

    @ui.page("/hotspots", response_timeout=30)
    async def page(request: Request, days: int = 7) -> Response | None:
        seen = visit(room, request)
        if seen is None or seen.viewer.role is Role.BODY:
            return to_sign_in(request)
        days = days if days in _RANGES else 7
        with frame(room, seen, "hotspots", seen.words("hotspots")):
            now = room.service.clock.now()
            since = datetime.fromtimestamp((now - days * _DAY_MS) / 1000, UTC)
            to = datetime.fromtimestamp(now / 1000, UTC)
            found = await hot.hotspots_of(room.service, _user(seen), since, to, 8)
            await _draw(Seen(room, seen, days, found))
        return None


async def _draw(s: Seen) -> None:
    t, rising = s.visit.words, s.found["rising"][:_MOST_SHOWN]
    with ui.element("div").classes("f-page h-page"):
        html(_range_tabs(s), "f-panel h-bar")
        with ui.element("div").classes("h-columns"):
            with ui.element("div").classes("h-left"):
                with ui.element("section").classes("f-panel"):
                    html(f"<h2>{escape(t('hs_map'))}</h2>")
                    map_ = SpotsMap(_areas(s), _pins(s, rising), t("hs_map"))
                with ui.element("section").classes("f-panel"):
                    incidents = t("hs_incidents", n=s.found["incidents"])
                    html(f"<h2>{escape(t('hs_grid'))}<small>{escape(incidents)}</small></h2>")
                    _grid(s)
            with ui.element("div").classes("h-right"):
                with ui.element("section").classes("f-panel h-rising"):
                    html(f"<h2>{escape(t('hs_rising'))}<small>{escape(t('hs_tests', n=s.found['tests']))}</small></h2>")
                    if not rising:
                        html(f'<p class="f-none">{escape(t("hs_none"))}</p>')
                    for n, one in enumerate(rising, 1):
                        _card(s, n, one, map_)
                await _patrols(s)


def _range_tabs(s: Seen) -> str:
    t = s.visit.words
    tabs = "".join(
        f'<a href="/hotspots?days={n}"{" aria-current=true" if n == s.days else ""}>{escape(t("last_days", n=n))}</a>'
        for n in _RANGES
    )
    partial_ = "" if s.found["complete"] else f'<span class="f-badge k-review">{escape(t("hs_partial"))}</span>'
    return (
        f'<nav class="t-tabs" aria-label="{escape(t("range"))}">{tabs}</nav>'
        f"<p>{escape(t('hs_how', weeks=s.found['weeks']))}</p>{partial_}"
    )


# --- the map and the hours


def _areas(s: Seen) -> list[dict[str, Any]]:
    calls = {spot["township"]: spot["calls"] for spot in s.found["spots"]}
    return [
        {"name": a.name.removesuffix("街道").removesuffix("镇"), "ring": a.polygon, "calls": calls.get(a.id, 0)}
        for a in s.city.areas.values()
        if a.tier is Tier.TOWNSHIP and a.polygon
    ]


def _pins(s: Seen, rising: list[dict[str, Any]]) -> list[dict[str, Any]]:
    pins = []
    for n, one in enumerate(rising, 1):
        area = s.city.areas.get(_finest(one))
        ring = area.polygon if area and not one["road"] else ()
        at = (one["lat"], one["lng"]) if one["lat"] is not None and not ring else _middle(area.polygon if area else ())
        if at[0] is not None:
            pins.append({"n": n, "name": one["name"], "lat": at[0], "lng": at[1], "ring": ring or None})
    return pins


def _finest(one: dict[str, Any]) -> str:
    area = one["area"]
    return str(area["community"] or area["township"] or area["district"])


def _middle(ring: Any) -> tuple[float | None, float | None]:
    if not ring:
        return None, None
    return sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring)


def _grid(s: Seen) -> None:
    """Hours × weekdays; the day begins at midnight, the week on Monday."""
    t, grid = s.visit.words, s.found["grid"]
    days = t("weekdays").split()
    cells = [[hour, 6 - day, grid[day][hour]] for day in range(7) for hour in range(24)]
    most = max((n for _, _, n in cells), default=0)
    ink = {"color": INK, "fontSize": 12}
    axis = {"type": "category", "axisLabel": ink, "axisTick": {"show": False}}
    options = {
        "animation": False,
        "tooltip": {"position": "top"},
        "grid": {"left": 4, "right": 8, "top": 4, "bottom": 44, "containLabel": True},
        "xAxis": axis | {"data": [str(h) for h in range(24)]},
        "yAxis": axis | {"data": days[::-1]},
        "visualMap": {
            "min": 0, "max": max(1, most), "orient": "horizontal", "left": "center", "bottom": 0, "itemHeight": 90,
            "itemWidth": 12, "textStyle": ink, "calculable": False,
            "inRange": {"color": ["rgba(232,115,12,0)", "rgba(232,115,12,0.5)", "rgba(214,84,12,1)"]},
        },
        "series": [{"type": "heatmap", "data": cells, "itemStyle": {"borderColor": "#8884", "borderWidth": 1}}],
    }  # fmt: skip
    peak = max(cells, key=lambda c: c[2])
    label = t("hs_peak", day=days[6 - peak[1]], hour=peak[0], n=peak[2]) if most else t("hs_none")
    ui.echart(options).classes("h-grid").props(f'role="img" aria-label="{label}"')


# --- what rises


def _card(s: Seen, n: int, one: dict[str, Any], map_: SpotsMap) -> None:
    t = s.visit.words
    days = t("weekdays").split()
    when = t("hs_all_day") if one["hours"] == [0, 24] else t("hs_hours", start=one["hours"][0], end=one["hours"][1])
    week = " ".join(days[d] for d in one["weekdays"])
    what = "、".join(f"{category_name(c['category'], s.city)} {c['calls']}" for c in one["categories"][:3])
    with ui.element("article").classes("h-card"):
        made = ui.element("button").props("type=button").classes("h-name-button")
        with made:
            ui.html(f'<i class="h-n">{n}</i><b>{escape(one["name"])}</b>', sanitize=False, tag="span")
        made.on("click", lambda: map_.run_method("show", n))
        html(
            f'<p class="h-facts"><span>{escape(when)}{" · " + escape(week) if week else ""}</span>'
            f"<b>{escape(t('hs_times', calls=one['calls'], usual=one['usual'], times=_times(one['times'])))}</b></p>"
            f"<p>{escape(one['reason'])}</p><p class=h-what>{escape(what)}</p>"
        )
        done = ui.element("div").classes("h-done")
        with done:
            if s.visit.viewer.acts:
                button(t("hs_patrol"), partial(_patrol, s, one, done), "f-primary")


def _times(times: float) -> str:
    return f"{times:.0f}" if times >= 10 else f"{times:.1f}"


async def _patrol(s: Seen, one: dict[str, Any], done: ui.element) -> None:
    """The suggestion becomes an order to the police of the area; pressing again makes no second one."""
    t = s.visit.words
    wanted = hot.PatrolBody(
        area=_finest(one), road=one["road"] or "", hours=one["hours"], reason=one["reason"][:500],
        category=one["categories"][0]["category"] if one["categories"] else "",
    )  # fmt: skip
    try:
        order = await hot.patrol(s.room.service, s.user, wanted)
    except FenliuError as error:
        ui.notify(str(error), type="warning", position="bottom")
        return
    done.clear()
    with done:
        to, told = quote(str(order["order_id"])), t("hs_sent", body=order["body"]["name"])
        html(f'<p class="h-sent" role="status"><a href="/orders/{to}">{escape(told)}</a></p>')


# --- did it help


async def _patrols(s: Seen) -> None:
    t = s.visit.words
    page = await views.orders(s.room.service.client, s.city.id, limit=_MOST_ORDERS)
    orders = [o for o in page.items if o.procedure == PROCEDURE][:_MOST_PATROLS]
    with ui.element("section").classes("f-panel"):
        html(f"<h2>{escape(t('hs_helped'))}</h2>")
        if not orders:
            html(f'<p class="f-none">{escape(t("hs_no_patrols"))}</p>')
            return
        rows = [await _helped(s, order) for order in orders]
        names = ("hs_place", "body", "opened", "hs_before", "hs_after", "hs_expected", "verdict")
        head = "".join(f"<th scope=col>{escape(t(n))}</th>" for n in names)
        html(f"<table class=t-table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>", "t-scroll")


async def _helped(s: Seen, order: Order) -> str:
    t = s.visit.words
    found = await hot.patrol_effect(s.room.service, s.user, order.order_id)
    where = order.summary.removeprefix("靶向巡逻：").partition("。")[0]
    return (
        f'<tr title="{escape(found["reason"])}">'
        f'<td><a href="/orders/{quote(order.order_id)}">{escape(where[:40])}</a></td>'
        f"<td>{escape(body_name(order.body_id, s.city))}</td>"
        f"<td class=num>{at_words(order.opened_at, s.city, seconds=False)}</td>"
        f"<td class=num>{found['before']['calls']}</td><td class=num>{found['after']['calls']}</td>"
        f"<td class=num>{found['expected']:g}</td><td>{escape(t('hv_' + found['verdict']))}</td></tr>"
    )
