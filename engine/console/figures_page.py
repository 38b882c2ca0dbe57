"""Console room: figures since this store was made, and the stage times of the newest orders in published buckets."""

from collections import Counter
from collections.abc import Iterable
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.responses import Response

from engine.console.parts import html
from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.http.summary import summary
from engine.http.tokens import Role
from engine.model.order import Order, State
from engine.store import views

_NEWEST = 500
_PAGES = 4
BUCKETS: tuple[tuple[State, State, tuple[int, ...]], ...] = (
    (State.SENT, State.SIGNED, (30, 60, 120, 180)),
    (State.SIGNED, State.ARRIVED, (300, 600, 900, 1800)),
    (State.ARRIVED, State.REPORTED, (1800, 3600, 7200, 14400)),
)
"""From, to, bounds in seconds: the buckets one city publishes weekly (DOMAIN)."""


def add(_: FastAPI, room: Room) -> None:
    """The page."""

    @ui.page("/figures")
    async def page(request: Request) -> Response | None:
        seen = visit(room, request)
        if seen is None or seen.viewer.role is Role.BODY:
            return to_sign_in(request)
        found = await summary(room.service)
        orders = await _newest(room)
        with frame(room, seen, "figures", seen.words("figures")):
            html(_page(room, seen, found, orders), "f-page")
        return None


async def _newest(room: Room) -> list[Order]:
    client, city = room.service.client, room.service.rules().city.id
    orders: list[Order] = []
    cursor = ""
    for _ in range(_PAGES):
        page = await views.orders(client, city, cursor=cursor, limit=_NEWEST)
        orders += page.items
        cursor = page.cursor
        if not cursor:
            break
    return orders


def stage_seconds(orders: Iterable[Order], before: State, after: State) -> list[float]:
    """Seconds from one state to the next for every order that passed both."""
    spans = []
    for order in orders:
        start, end = order.entered.get(before.value), order.entered.get(after.value)
        if start is not None and end is not None and end >= start:
            spans.append((end - start) / 1000)
    return spans


def shares(spans: list[float], bounds: tuple[int, ...]) -> list[float]:
    """The share (0–1) that took at most each bound."""
    return [sum(s <= bound for s in spans) / len(spans) for bound in bounds] if spans else []


def _page(room: Room, seen: Visit, found: dict[str, Any], orders: list[Order]) -> str:
    t, counts, diversion = seen.words, found["counts"], found["diversion"]
    events = _by(counts.get("fenliu_events_total", {}), "what")
    board = room.feed.board.orders
    tiles = (
        ("f_calls", f"{diversion['calls']:,}"),
        ("f_non_police", f"{diversion['non_police_share']:.1%}"),
        ("f_diverted", f"{diversion['diversion_rate']:.1%}"),
        ("f_open", f"{len(board):,}"),
        ("f_closed", f"{events['order.closed']:,}"),
        ("f_returns", f"{events['order.return']:,}"),
        ("f_late", f"{events['order.overdue']:,}"),
        ("f_alerts_raised", f"{events['alert.raised']:,}"),
    )
    drawn = "".join(f'<div class="o-tile"><b>{n}</b><span>{escape(t(name))}</span></div>' for name, n in tiles)
    calls = counts.get("fenliu_calls_total", {})
    held = Counter(s.row["b"] for s in board.values())
    steps = Counter(s.row["st"] for s in board.values())
    charts = (
        ("by_matter", {t("m_" + k): n for k, n in _by(calls, "matter").items()}),
        ("by_handoff", {t("h_" + k): n for k, n in _by(calls, "handoff").items()}),
        ("by_step", {t("s_" + k): n for k, n in steps.items()}),
        ("by_body", dict(held.most_common(12))),
    )
    bars = "".join(
        f'<section class="f-panel"><h2>{escape(t(name))}</h2>{_bars(rows)}</section>' for name, rows in charts
    )
    return (
        f'<section class="f-panel"><h2>{escape(t("figures"))}<small>{escape(t("since_start"))}</small></h2>'
        f'<div class="o-tiles">{drawn}</div></section>{_stages(seen, orders)}<div class="g-charts">{bars}</div>'
    )


def _stages(seen: Visit, orders: list[Order]) -> str:
    t = seen.words
    rows = []
    for before, after, bounds in BUCKETS:
        spans = stage_seconds(orders, before, after)
        found = shares(spans, bounds)
        cells = [f"{c:.1%}" for c in found] or ["—"] * len(bounds)
        shown = "".join(
            f"<td class=num><small>≤ {_seconds(b, t)}</small><b>{c}</b></td>"
            for b, c in zip(bounds, cells, strict=True)
        )
        rows.append(
            f"<tr><th scope=row>{escape(t('s_' + after.value))}</th>{shown}<td class=num>{len(spans)}</td></tr>"
        )
    title = f"{escape(t('stage_times'))}<small>{escape(t('newest_orders', n=len(orders)))}</small>"
    return (
        f'<section class="f-panel"><h2>{title}</h2><div class="t-scroll" tabindex=0>'
        f'<table class="t-table g-stages"><tbody>{"".join(rows)}</tbody></table></div></section>'
    )


def _seconds(n: int, t: Any) -> str:
    zh = t.language == "zh"
    if n < 300:
        return f"{n} {'秒' if zh else 's'}"
    return f"{n // 60} {'分钟' if zh else 'min'}" if n < 3600 else f"{n // 3600} {'小时' if zh else 'h'}"


def _by(counts: dict[str, int], label: str) -> Counter[str]:
    """Counters summed over all labels but one."""
    found: Counter[str] = Counter()
    for labels, n in counts.items():
        pairs = dict(part.partition("=")[::2] for part in labels.split(","))
        found[pairs.get(label, "")] += n
    return found


def _bars(rows: dict[str, int]) -> str:
    most = max(rows.values(), default=0) or 1
    drawn = "".join(
        f'<tr><th scope=row>{escape(name)}</th><td><i style="width:{100 * n / most:.1f}%"></i></td>'
        f"<td class=num>{n:,}</td></tr>"
        for name, n in sorted(rows.items(), key=lambda r: -r[1])
    )
    return f'<table class="g-bars"><tbody>{drawn}</tbody></table>'
