"""Console room: recent alerts with what became of them."""

from html import escape
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.responses import Response

from engine.console.parts import at_words, facts, grade_badge, html, time_line
from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.console.rows import alert_words, area_name, body_name
from engine.errors import NotFound
from engine.http.tokens import Role
from engine.model.alert import Alert, AlertState
from engine.model.city import City
from engine.store import views

_MOST = 200
_STATES = tuple(s.value for s in AlertState)


def add(_: FastAPI, room: Room) -> None:
    """`/alerts` and `/alerts/{id}`."""

    @ui.page("/alerts")
    async def alerts(request: Request, state: str = "") -> Response | None:
        seen = _visit(room, request)
        if seen is None:
            return to_sign_in(request)
        with frame(room, seen, "alerts", seen.words("alerts")):
            await _alerts(room, seen, state if state in _STATES else "")
        return None

    @ui.page("/alerts/{alert_id}")
    async def alert(request: Request, alert_id: str) -> Response | None:
        seen = _visit(room, request)
        if seen is None:
            return to_sign_in(request)
        await room.note(seen.viewer, "look.alert", alert_id)
        with frame(room, seen, "alerts", seen.words("alerts")):
            await _alert(room, seen, alert_id)
        return None


def _visit(room: Room, request: Request) -> Visit | None:
    seen = visit(room, request)
    return seen if seen and seen.viewer.role is not Role.BODY else None


async def _alerts(room: Room, seen: Visit, state: str) -> None:
    t, client, city = seen.words, room.service.client, room.service.rules().city
    shown = (await views.alerts(client, city.id, state=state, limit=_MOST)).items
    tabs = "".join(
        f'<a href="/alerts{f"?state={s}" if s else ""}"{" aria-current=true" if s == state else ""}>'
        f"{escape(t(f'a_{s}') if s else t('recent_alerts'))}</a>"
        for s in ("", *_STATES)
    )
    rows = "".join(_alert_line(a, city, seen) for a in shown)
    table = (
        f"<table class='t-table t-alerts'><thead><tr>"
        f"{_th(t, 'grade', 'raised', 'model', 'content', 'body', 'state')}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    empty = f'<p class="f-none">{escape(t("no_alerts"))}</p>'
    with ui.element("div").classes("f-page"):
        box = f'<nav class="t-tabs" aria-label="{escape(t("state"))}">{tabs}</nav>'
        html(f'{box}<div class="t-scroll" tabindex=0>{table if shown else empty}</div>', "f-panel")


def _th(t: Any, *names: str) -> str:
    return "".join(f"<th scope=col>{escape(t(n))}</th>" for n in names)


def _alert_line(alert: Alert, city: City, seen: Visit) -> str:
    t = seen.words
    text = alert_words(alert, public=seen.viewer.bare)
    verdict = f" · {escape(t('v_' + alert.verdict))}" if alert.verdict else ""
    return (
        f'<tr id="{escape(alert.alert_id)}"><td>{grade_badge(alert.grade, t)}</td><td class=num>'
        f'{at_words(alert.raised_at, city)}</td><td><a href="/alerts/{quote(alert.alert_id)}">{escape(alert.title)}</a>'
        f"</td><td>{escape(text)}</td><td>{escape(body_name(alert.body_id, city))}</td>"
        f"<td>{escape(t('a_' + alert.state.value))}{verdict}</td></tr>"
    )


async def _alert(room: Room, seen: Visit, alert_id: str) -> None:
    t, client, city = seen.words, room.service.client, room.service.rules().city
    try:
        alert = await views.alert(client, city.id, alert_id)
    except NotFound:
        html(f'<p class="f-panel">{escape(t("not_found"))}</p>', "f-page")
        return
    line = await views.line(client, city.id, alert_id)
    order = f'<a href="/orders/{quote(alert.order_id)}">{escape(alert.order_id)}</a>' if alert.order_id else ""
    calls = "".join(f'<a href="/calls/{quote(c)}">{escape(c)}</a><br>' for c in alert.call_ids)
    rows = [
        (t("model"), f'<a href="/models/{quote(alert.model)}">{escape(alert.model)}</a>'),
        (t("raised"), at_words(alert.raised_at, city)),
        (t("area"), escape(area_name(alert.township, city) or t("place_unknown"))),
        (t("body"), escape(body_name(alert.body_id, city))),
        (t("verdict"), escape(" · ".join(filter(None, (alert.reviewer, alert.verdict_reason))))),
        (t("order"), order),
        (t("calls"), calls),
    ]
    text = alert_words(alert, public=seen.viewer.bare)
    why = "".join(f"<li>{escape(r)}</li>" for r in alert.reasons)
    state = escape(t("a_" + alert.state.value))
    title = f'<h1>{escape(alert.title)}</h1>{grade_badge(alert.grade, t)}<span class="f-badge">{state}</span>'
    desk = f'<a class="f-button f-primary" href="/review?at={quote(alert_id)}">{escape(t("decide_here"))}</a>'
    with ui.element("div").classes("f-page p-order"):
        html(title + (desk if alert.state is AlertState.REVIEW and seen.viewer.acts else ""), "p-title")
        with ui.element("div").classes("p-columns"):
            with ui.element("div").classes("p-left"):
                html(f'<blockquote class="p-text">{escape(text)}</blockquote><ul class="p-why">{why}</ul>', "f-panel")
                drawn = time_line(line, city, t, without_numbers=seen.viewer.bare)
                html(f"<h2>{escape(t('time_line'))}</h2>{drawn}", "f-panel")
            html(facts(rows), "f-panel")
