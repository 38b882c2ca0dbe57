"""Console room: one call that has no order of its own, or that somebody wants to see by itself."""

from html import escape
from urllib.parse import quote

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.responses import Response

from engine.console.order_page import call_list, dossier_link
from engine.console.parts import at_words, facts, grade_badge, html, marked, place_map, time_line
from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.console.rows import area_name, bare, body_name, category_name
from engine.store import views


def add(_: FastAPI, room: Room) -> None:
    """The page. Bodies do not see calls by themselves, only their orders."""

    @ui.page("/calls/{call_id}")
    async def page(request: Request, call_id: str) -> Response | None:
        seen = visit(room, request)
        if seen is None:
            return to_sign_in(request)
        await room.note(seen.viewer, "look.call", call_id)
        with frame(room, seen, "call", seen.words("call")):
            await _draw(room, seen, call_id)
        return None


async def _draw(room: Room, seen: Visit, call_id: str) -> None:
    t, client, city = seen.words, room.service.client, room.service.rules().city
    found = await views.calls_by_id(client, city.id, [call_id]) if seen.viewer.looks else []
    if not found:
        html(f'<p class="f-panel">{escape(t("not_found"))}</p>', "f-page")
        return
    call, outcome = found[0]["call"], found[0]["outcome"]
    decision, links = outcome["decision"], outcome["links"]
    reasons = [r["text"] for r in decision["reasons"]]
    text = bare(call["text"]) if seen.viewer.bare else call["text"]
    ids = list(dict.fromkeys((*links["same_caller_calls"], *links["same_place_calls"])))[:20]
    linked = await views.calls_by_id(client, city.id, ids)
    line = await views.line(client, city.id, call_id)
    to = quote(outcome["order_id"])
    rows = [
        (t("order"), f'<a href="/orders/{to}">{escape(outcome["order_id"])}</a>' if to else ""),
        (t("dossier"), dossier_link(links)),
        (t("matter"), escape(t(f"m_{decision['matter']}"))),
        (t("confidence"), f"{decision['confidence']:.0%}"),
        (t("handoff"), escape(t(f"h_{decision['handoff']}"))),
        (t("body"), escape(body_name(decision["body_id"], city))),
        (t("channel"), escape(t(f"c_{call['channel']}"))),
        (t("received"), at_words(call["received_at"], city)),
        (t("area"), escape(area_name(decision["place"]["township"], city) or t("place_unknown"))),
    ]
    if not seen.viewer.bare:
        caller = call["caller"]
        rows += [
            (t("caller"), escape(f"{caller['name_masked']} {caller['phone_masked']}".strip())),
            (t("address"), escape(call["location"]["address"])),
        ]
    place = decision["place"]
    points = [(place["lat"], place["lng"])] if place["lat"] is not None and place["lng"] is not None else []
    why = "".join(f"<li>{escape(r)}</li>" for r in reasons)
    with ui.element("div").classes("f-page p-order"):
        title = f"<h1>{escape(category_name(decision['category'], city))}</h1>{grade_badge(decision['grade'], t)}"
        html(title, "p-title")
        with ui.element("div").classes("p-columns"):
            with ui.element("div").classes("p-left"):
                html(
                    f'<h2>{escape(t("content"))}</h2><blockquote class="p-text">{marked(text, reasons)}</blockquote>'
                    f'<h2>{escape(t("reasons"))}</h2><ul class="p-why">{why}</ul>',
                    "f-panel",
                )
                drawn = time_line(line, city, t, without_numbers=seen.viewer.bare)
                html(f"<h2>{escape(t('time_line'))}</h2>{drawn}", "f-panel")
            with ui.element("div").classes("p-right"):
                html(facts(rows), "f-panel")
                drawn = place_map(city, place["township"], points, None, "")
                html(f"<h2>{escape(t('map'))}</h2>{drawn}", "f-panel")
                if linked:
                    html(f"<h2>{escape(t('links'))}</h2>{call_list(linked, city, seen)}", "f-panel")
