"""Console room: is everything running? Store, rules, queues, undecided calls, dead letters."""

from collections import Counter
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.responses import Response

from engine.console import undecided
from engine.console.parts import at_words, button, facts, html, one_at_a_time
from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.console.rows import body_name
from engine.errors import FenliuError
from engine.http.tokens import Role
from engine.store import queues, views

_LOOK_S = 2.0
_LATE_MS = 10_000
"""A worker that is this far behind is shown in red."""
_MOST_SHOWN = 12
_PROBE = "有人报警"
"""Read to hear the version of the classifier in use."""


def add(_: FastAPI, room: Room) -> None:
    """The page; it looks again every two seconds while somebody watches."""

    @ui.page("/operations")
    async def page(request: Request) -> Response | None:
        seen = visit(room, request)
        if seen is None or seen.viewer.role is Role.BODY:
            return to_sign_in(request)
        with frame(room, seen, "operations", seen.words("operations")), ui.element("div").classes("f-page"):
            shown: list[str] = []
            failing: list[tuple[str, int]] = []

            @ui.refreshable
            async def health() -> None:
                html(await _health(room, seen))

            @ui.refreshable
            async def dead() -> None:
                await _dead(room, seen, draw_dead)

            @ui.refreshable
            async def undecided_calls() -> None:
                await undecided.draw(room, seen, draw_undecided)

            draw_health, draw_dead = one_at_a_time(health.refresh), one_at_a_time(dead.refresh)
            draw_undecided = one_at_a_time(undecided_calls.refresh)
            await undecided_calls()
            await health()
            with ui.element("section").classes("f-panel"):
                await dead()

            async def look() -> None:
                draw_health()
                letters = await _letters(room)
                ids = [each["message_id"] for each in letters]
                if ids != shown:
                    shown[:] = ids
                    draw_dead()
                now_failing = undecided.shown_of(await undecided.waiting(room))
                if now_failing != failing:
                    failing[:] = now_failing
                    draw_undecided()

            ui.timer(_LOOK_S, look)
        return None


async def _letters(room: Room) -> list[dict[str, Any]]:
    try:
        return await views.dead_letters(room.service.client, room.service.rules().city.id)
    except FenliuError:
        return []


async def _health(room: Room, seen: Visit) -> str:
    t, service, book = seen.words, room.service, room.service.rules()
    try:
        depths, down = await queues.depths(service.client, book.city.id), ""
        counts = await views.counts(service.client, book.city.id)
        lags = await queues.lags(service.client, book.city.id, service.clock.now())
    except FenliuError as error:
        depths, counts, lags, down = {}, {}, queues.Lags(0, 0, {}), str(error)
    fault = service.rules_fault()
    store = _light(not down, t("store_ok") if not down else f"{t('store_down')}：{down}")
    rules = _light(not fault, t("rules_ok") if not fault else t("rules_fault"))
    version = book.reader.read(_PROBE).model_version
    versions = facts(
        [
            (t("rules"), _code(book.city.version)),
            (t("models"), _code(book.engine.models.version)),
            (t("classifier"), _code(version)),
        ]
    )
    said = f'<pre class="t-source">{escape(fault)}</pre>' if fault else ""
    tiles = "".join(
        f'<div class="o-tile{" bad" if name == "dead" and n else ""}"><b>{n}</b>'
        f"<span>{escape(t('q_' + name))}</span></div>"
        for name, n in depths.items()
    )
    outcomes: Counter[str] = Counter()
    for name, n in counts.items():
        if name.startswith("fenliu_deliveries_total|outcome="):
            outcomes[name.partition("outcome=")[2]] += n
    tiles += f'<div class="o-tile"><b>{outcomes["delivered"]}</b><span>{escape(t("delivered"))}</span></div>'
    for name, ms in (("lag_messages", lags.oldest_ms), ("lag_clocks", lags.clocks_ms)):
        bad = " bad" if ms > _LATE_MS else ""
        tiles += f'<div class="o-tile{bad}"><b>{ms / 1000:.0f} s</b><span>{escape(t(name))}</span></div>'
    behind = "".join(
        f"<tr><td>{escape(body_name(body, book.city))}</td><td class=num>{n}</td></tr>"
        for body, n in lags.unreached.items()
    )
    unreached = (
        f"<h2>{escape(t('unreached'))}</h2><table class=t-table><tbody>{behind}</tbody></table>" if behind else ""
    )
    return (
        f'<section class="f-panel o-health"><h2>{escape(t("store"))}</h2>{store}<h2>{escape(t("rules"))}</h2>{rules}'
        f'{versions}{said}</section><section class="f-panel"><h2>{escape(t("queues"))}</h2>'
        f'<div class="o-tiles">{tiles}</div>{unreached}</section>{_happened(room, seen)}'
    )


def _happened(room: Room, seen: Visit) -> str:
    """What happened to the service itself in the last day."""
    t, found = seen.words, room.service.incidents()[:_MOST_SHOWN]
    if not found:
        return ""
    rows = "".join(
        f"<tr><td>{at_words(i.at, room.service.rules().city)}</td><td>{escape(t('incident_' + i.what))}</td>"
        f"<td><code>{escape(i.subject)}</code></td><td>{escape(i.text)}</td></tr>"
        for i in found
    )
    head = f"<h2>{escape(t('incidents'))}<small>{len(found)}</small></h2>"
    scrolls = f'<div class="t-scroll" tabindex=0 role=region aria-label="{escape(t("incidents"))}">'
    table = f"{scrolls}<table class=t-table><tbody>{rows}</tbody></table></div>"
    return f'<section class="f-panel">{head}{table}</section>'


def _code(text: str) -> str:
    return f"<code>{escape(text[:24])}</code>"


def _light(fine: bool, said: str) -> str:
    return f'<p class="o-light {"fine" if fine else "bad"}"><i aria-hidden="true"></i>{escape(said)}</p>'


async def _dead(room: Room, seen: Visit, again: Any) -> None:
    t, city = seen.words, room.service.rules().city
    letters = await _letters(room)
    html(f"<h2>{escape(t('dead_letters'))}<small>{len(letters)}</small></h2>")
    if not letters:
        html(f'<p class="f-none">{escape(t("no_dead"))}</p>')
        return

    async def replay(ids: list[str]) -> None:
        service = room.service
        try:
            n = await queues.replay_dead(service.client, city.id, ids, service.clock.now())
            ui.notify(t("replayed", n=n), type="positive")
        except FenliuError as error:
            ui.notify(str(error), type="negative")
        again()

    if seen.viewer.acts:
        button(t("replay_all"), lambda: replay([each["message_id"] for each in letters]), "f-primary")
    for each in letters:
        message = each["message"]
        with ui.element("div").classes("o-letter"):
            html(
                f"<b>{escape(body_name(each['body'], city))}</b><span>{escape(message['type'])}</span>"
                f'<a href="/orders/{quote(message["subject"])}">{escape(message["subject"])}</a>'
                f"<time>{at_words(each['since'], city)}</time><em>{escape(each['last'])}</em>"
            )
            if seen.viewer.acts:
                button(t("replay"), partial(replay, [each["message_id"]]))
