"""Console room: one order: text and reasons, where it stands, what may be done next, the time line."""

from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.responses import Response

from engine.console.moves import Acting, buttons, moves_of
from engine.console.parts import (
    at_words,
    due_clock,
    facts,
    grade_badge,
    html,
    marked,
    one_at_a_time,
    place_map,
    step_picture,
    time_line,
)
from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.console.rows import area_name, bare, body_name, category_name
from engine.errors import FenliuError, NotFound
from engine.http.tokens import Role
from engine.model.message import LogEntry
from engine.model.order import Order
from engine.store import views

_MOST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything one order page shows. `calls` are `{call, outcome}`, the first call first."""

    order: Order
    line: list[LogEntry]
    calls: list[dict[str, Any]]
    linked: list[dict[str, Any]]


async def load(room: Room, seen: Visit, order_id: str) -> Shown:
    """The order with its calls. Raises `NotFound` also when it is not this viewer's to see."""
    client, city = room.service.client, room.service.rules().city.id
    order = await views.order(client, city, order_id)
    if seen.viewer.role is Role.BODY and seen.viewer.body not in (order.body_id, *order.joint, *order.passed):
        raise NotFound(order_id)
    line = await views.line(client, city, order_id)
    calls = await views.calls_by_id(client, city, list(order.call_ids[:_MOST_CALLS]))
    linked: list[dict[str, Any]] = []
    if calls and seen.viewer.looks:
        links = calls[0]["outcome"]["links"]
        ids = dict.fromkeys((*links["same_caller_calls"], *links["same_place_calls"]))
        linked = await views.calls_by_id(client, city, [i for i in ids if i not in order.call_ids][:_MOST_CALLS])
    return Shown(order, line, calls, linked)


def add(_: FastAPI, room: Room) -> None:
    """The page."""

    @ui.page("/orders/{order_id}")
    async def page(request: Request, order_id: str) -> Response | None:
        seen = visit(room, request)
        if seen is None:
            return to_sign_in(request)
        await room.note(seen.viewer, "look.order", order_id)
        t = seen.words
        with frame(room, seen, "order", t("order")):
            host = ui.element("div")  # dialogs live here: a redraw must not take one away from who is typing
            root = ui.element("div")
            pieces: Pieces | None = None

            async def draw() -> None:
                nonlocal pieces
                try:
                    shown = await load(room, seen, order_id)
                except FenliuError as error:
                    pieces = None
                    root.clear()
                    with root:
                        html(f'<p class="f-panel">{escape(_said(error, seen))}</p>', "f-page")
                    return
                if pieces is None:
                    root.clear()
                    with root:
                        pieces = Pieces(room, seen, Acting(again, host))
                pieces.show(shown)

            again = one_at_a_time(draw)
            await draw()
        stop = room.feed.watch(order_id, again)
        ui.context.client.on_delete(stop)
        return None


def _said(error: FenliuError, seen: Visit) -> str:
    return seen.words("not_found") if isinstance(error, NotFound) else seen.words("offline")


class Pieces:
    """The page in pieces, each drawn anew only when it says something else: a click on its way to a button is not lost
    to a message that was delivered meanwhile."""

    def __init__(self, room: Room, seen: Visit, acting: Acting) -> None:
        """Makes the empty pieces where the caller stands."""
        self._room, self._seen, self._acting = room, seen, acting
        self._moves: object = None
        with ui.element("div").classes("f-page p-order"):
            self._title, self._steps = html("", "p-title"), html("", "f-panel p-stepbox")
            with ui.element("div").classes("p-columns"):
                with ui.element("div").classes("p-left"):
                    with ui.element("section").classes("f-panel f-moves"):
                        html(f"<h2>{escape(seen.words('moves'))}</h2>")
                        self._buttons = ui.element("div")
                    self._text, self._line = html("", "f-panel"), html("", "f-panel")
                with ui.element("div").classes("p-right"):
                    self._facts, self._map, self._links = (html("", "f-panel") for _ in range(3))

    def show(self, shown: Shown) -> None:
        """The pieces as they are now."""
        t, order, city = self._seen.words, shown.order, self._room.service.rules().city
        line = time_line(shown.line, city, t, without_numbers=self._seen.viewer.bare)
        linked = call_list(shown.linked, city, self._seen) if shown.linked else ""
        for piece, text in (
            (self._title, _title(order, city, t)),
            (self._steps, step_picture(order, city, t)),
            (self._text, _text(shown, self._seen)),
            (self._line, f"<h2>{escape(t('time_line'))}</h2>{line}"),
            (self._facts, _facts(shown, city, self._seen)),
            (self._map, _map(shown, city, t)),
            (self._links, f"<h2>{escape(t('links'))}</h2>{linked}"),
        ):
            if piece.content != text:
                piece.set_content(text)
        self._links.set_visibility(bool(linked))
        moves = (order.state, moves_of(self._room, self._seen, order))
        if moves != self._moves:
            self._moves = moves
            self._buttons.clear()
            with self._buttons:
                buttons(self._room, self._seen, order, self._acting)


def _title(order: Order, city: Any, t: Any) -> str:
    danger = f'<span class="f-badge k-red">{escape(t("danger"))}</span>' if order.danger else ""
    late = f'<span class="f-badge k-overdue">{escape(t("f_overdue"))}</span>' if order.overdue else ""
    rung = f'<span class="f-badge k-returned">{escape(t("supervised", n=order.rung))}</span>' if order.rung else ""
    return (
        f"<h1>{escape(category_name(order.category, city))}</h1>{grade_badge(order.grade, t)}{danger}"
        f'<span class="f-badge">{escape(t(f"s_{order.state.value}"))}</span>{late}{rung}'
        f'<span class="p-to">{escape(body_name(order.body_id, city))}</span><span class="f-space"></span>'
        f"{due_clock(order, t)}"
    )


def _text(shown: Shown, seen: Visit) -> str:
    """The calls' words with what decided marked, and the reasons."""
    t = seen.words
    reasons = [r["text"] for c in shown.calls[:1] for r in c["outcome"]["decision"]["reasons"]]
    texts = [c["call"]["text"] for c in shown.calls]
    hidden = bool(shown.order.alert_id) and seen.viewer.bare  # an alert's message may name an address
    if (shown.order.alert_id or not texts) and not hidden:
        texts = [shown.order.summary, *texts]
    clean = [bare(x) if seen.viewer.bare else x for x in dict.fromkeys(texts)]
    words = "".join(f'<blockquote class="p-text">{marked(x, reasons)}</blockquote>' for x in clean)
    why = "".join(f"<li>{escape(r)}</li>" for r in reasons)
    found = shown.order.result
    result = (
        f"<h2>{escape(t('result'))}</h2><p>{escape(bare(found) if seen.viewer.bare else found)}</p>" if found else ""
    )
    return f'<h2>{escape(t("content"))}</h2>{words}{result}<h2>{escape(t("reasons"))}</h2><ul class="p-why">{why}</ul>'


def _facts(shown: Shown, city: Any, seen: Visit) -> str:
    t, order = seen.words, shown.order
    call = shown.calls[0]["call"] if shown.calls else None
    decision = shown.calls[0]["outcome"]["decision"] if shown.calls else None
    area = " · ".join(area_name(a, city) for a in (order.district, order.township, order.community) if a)
    rows = [
        (t("matter"), escape(t(f"m_{order.matter.value}"))),
        (t("handoff"), escape(t(f"h_{order.handoff.value}"))),
        (t("procedure"), escape(city.procedures[order.procedure].name)),
        (t("confidence"), f"{decision['confidence']:.0%}" if decision else ""),
        (t("area"), escape(area or t("place_unknown"))),
        (t("joint"), escape("、".join(body_name(b, city) for b in order.joint))),
        (t("passed"), escape("、".join(body_name(b, city) for b in order.passed))),
        (t("received"), at_words(order.opened_at, city)),
        (t("from_alert"), _alert_link(order)),
        (t("dossier"), dossier_link(shown.calls[0]["outcome"]["links"]) if shown.calls else ""),
    ]
    if call and not seen.viewer.bare:
        caller = call["caller"]
        rows += [
            (t("caller"), escape(f"{caller['name_masked']} {caller['phone_masked']}".strip())),
            (t("address"), escape(call["location"]["address"])),
        ]
    rows.append((t("order"), f"<code>{escape(order.order_id)}</code>"))
    return facts(rows)


def dossier_link(links: dict[str, Any]) -> str:
    """The dispute's dossier, when the call belongs to one."""
    found = links.get("dossier_id") or ""
    return f'<a href="/dossiers/{quote(found)}">{escape(found)}</a>' if found else ""


def _alert_link(order: Order) -> str:
    return f'<a href="/alerts/{quote(order.alert_id)}">{escape(order.alert_id)}</a>' if order.alert_id else ""


def _map(shown: Shown, city: Any, t: Any) -> str:
    order = shown.order
    places = [c["outcome"]["decision"]["place"] for c in shown.calls]
    points = [(p["lat"], p["lng"]) for p in places if p["lat"] is not None and p["lng"] is not None]
    body = city.bodies.get(order.body_id)
    body_at = (body.lat, body.lng) if body and body.lat is not None and body.lng is not None else None
    drawn = place_map(city, order.township, points, body_at, area_name(order.township, city))
    name = area_name(order.township or order.district, city) or t("place_unknown")
    return f"<h2>{escape(t('map'))}<small>{escape(name)}</small></h2>{drawn}"


def call_list(found: list[dict[str, Any]], city: Any, seen: Visit) -> str:
    """Calls as short links."""
    rows = []
    for each in found:
        call, outcome = each["call"], each["outcome"]
        to = f"/orders/{quote(outcome['order_id'])}" if outcome["order_id"] else f"/calls/{quote(call['call_id'])}"
        text = bare(call["text"]) if seen.viewer.bare else call["text"]
        rows.append(
            f'<li><a href="{to}"><time>{at_words(call["received_at"], city, seconds=False)}</time>'
            f"<b>{escape(category_name(outcome['decision']['category'], city))}</b>"
            f"<span>{escape(text[:80])}</span></a></li>"
        )
    return f'<ul class="p-calls">{"".join(rows)}</ul>'
