"""Console room: the review desk: one thing at a time, evidence beside it, one key per answer."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from nicegui import ui
from nicegui.events import KeyEventArguments
from starlette.responses import Response

from engine.actions import CallReview
from engine.alarming import hour_of
from engine.console.order_page import call_list
from engine.console.parts import button, facts, grade_badge, html, marked, one_at_a_time, place_map
from engine.console.review_queue import DISMISSALS, Choice, Waiting, choices_of, queue_of
from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.console.rows import alert_words, area_name, bare, body_name, category_name, without_personal
from engine.console.words import Words
from engine.errors import FenliuError
from engine.http.tokens import Role
from engine.model.reading import Matter
from engine.store import views

_MOST_SHOWN = 200
_LOOKS, _LOOK_S = 30, 0.2
Act = Callable[[], Awaitable[None]]
_CHINESE = Words("zh")
"""Reasons are kept as training data and read by bodies: always Chinese."""


@dataclass(slots=True)
class Desk:
    """One officer's screen at the desk."""

    room: Room
    seen: Visit
    at: str = ""
    screen: str = field(default_factory=lambda: uuid.uuid4().hex)
    answers: list[Act] = field(default_factory=list)
    """What the keys 1, 2, … do now."""
    other: Callable[[], None] | None = None
    redraw: Callable[[], Any] = lambda: None
    host: ui.element | None = None
    """Where dialogs stand, so that a redraw takes none away."""
    drawn: tuple[str, int] = ("", 0)
    """Subject and version that the screen shows."""

    def queue(self) -> list[Waiting]:
        """What waits."""
        return queue_of(self.room.feed.board)

    def current(self) -> Waiting | None:
        """What this screen shows; when it was decided, the next that nobody else is at."""
        queue, now = self.queue(), self.room.service.clock.now()
        found = next((w for w in queue if w.id == self.at), None)
        if found is None:
            free = (w for w in queue if (c := self.room.claims.holder(w.id, now)) is None or c.screen == self.screen)
            found = next(free, queue[0] if queue else None)
            self.go(found.id if found else "")
        return found

    def go(self, subject: str) -> None:
        """Turn to a subject and claim it."""
        self.at = subject
        if not subject:
            self.room.claims.leave(self.screen)
        elif self.seen.viewer.acts:
            now = self.room.service.clock.now()
            self.room.claims.take(subject, self.screen, self.seen.viewer.name, now)

    def turn_to(self, subject: str, *_: object) -> None:
        """Go there and draw it."""
        self.go(subject)
        self.redraw()

    def step(self, by: int) -> None:
        """The next or the one before."""
        ids = [w.id for w in self.queue()]
        if ids:
            here = ids.index(self.at) if self.at in ids else 0
            self.go(ids[(here + by) % len(ids)])
        self.redraw()


def add(_: FastAPI, room: Room) -> None:
    """The page. Bodies have nothing to decide here."""

    @ui.page("/review", response_timeout=15)
    async def page(request: Request, at: str = "") -> Response | None:
        seen = visit(room, request)
        if seen is None or seen.viewer.role is Role.BODY:
            return to_sign_in(request)
        desk = Desk(room, seen, at)
        if at:
            await _on_the_board(room, at)
            desk.go(at)
        with frame(room, seen, "review_desk", seen.words("review_desk")):
            await _draw(desk)
        return None


async def _on_the_board(room: Room, subject: str) -> None:
    """Wait a moment for what was named in the address: the board may be a look behind the one who made the link."""
    board = room.feed.board
    for _ in range(_LOOKS):
        if subject in board.orders or subject in board.alerts:
            return
        room.feed.look_again(subject)
        await asyncio.sleep(_LOOK_S)


async def _draw(desk: Desk) -> None:
    @ui.refreshable
    def queue() -> None:
        _queue(desk)

    @ui.refreshable
    async def detail() -> None:
        await _detail(desk)

    draw = one_at_a_time(detail.refresh)

    def redraw() -> None:
        queue.refresh()
        draw()

    def told(difference: dict[str, Any]) -> None:
        queue.refresh()
        if desk.drawn != _mark(desk.current()) or difference.get("whole"):
            draw()

    desk.redraw, desk.host = redraw, ui.element("div")
    with ui.element("div").classes("r-desk"):
        with ui.element("section").classes("r-queue").props(f'aria-label="{desk.seen.words("queue")}"'):
            queue()
        with ui.element("section").classes("r-detail").props("aria-live=polite"):
            await detail()
    ui.keyboard(lambda e: _key(desk, e), ignore=["input", "select", "textarea"], repeating=False)
    stop = [desk.room.feed.listen(desk.seen.scope, told), desk.room.claims.watch(queue.refresh)]

    def leave() -> None:
        for each in stop:
            each()
        desk.room.claims.leave(desk.screen)

    ui.context.client.on_disconnect(lambda: desk.room.claims.leave(desk.screen))
    ui.context.client.on_delete(leave)


def _mark(waiting: Waiting | None) -> tuple[str, int]:
    return (waiting.id, int(waiting.row["v"])) if waiting else ("", 0)


async def _key(desk: Desk, event: KeyEventArguments) -> None:
    if not event.action.keydown or event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta:
        return
    name = str(event.key)
    if name in ("ArrowDown", "j"):
        desk.step(1)
    elif name in ("ArrowUp", "k"):
        desk.step(-1)
    elif name == "0" and desk.other is not None:
        desk.other()
    elif name.isdigit() and 0 < int(name) <= len(desk.answers):
        await desk.answers[int(name) - 1]()


def _queue(desk: Desk) -> None:
    desk.current()
    t, waiting, now = desk.seen.words, desk.queue(), desk.room.service.clock.now()
    html(f"<h2>{escape(t('queue'))}<small>{len(waiting)}</small></h2>")
    if not waiting:
        html(f'<p class="f-none">{escape(t("queue_empty"))}</p>')
    with ui.element("div").classes("r-list"):
        for each in waiting[:_MOST_SHOWN]:
            claim = desk.room.claims.holder(each.id, now)
            other = f"<em>{escape(t('taken', who=claim.who))}</em>" if claim and claim.screen != desk.screen else ""
            row = each.row
            kind = "alert" if each.kind == "alert" else "returned" if row["st"] == "returned" else "review"
            name = row["t"] if each.kind == "alert" else row["c"]
            text = (without_personal(row) if desk.seen.viewer.bare else row)["s"]
            tag = t({"alert": "second_review", "returned": "f_returned", "review": "f_review"}[kind])
            on = " on" if each.id == desk.at else ""
            made = ui.element("button").props("type=button").classes(f"r-item g-{row['g']}{on}")
            made.on("click", partial(desk.turn_to, each.id))
            with made:
                html(
                    f'<span class="b-card-top"><span class="b-tag k-{kind}">{escape(tag)}</span>'
                    f'<b>{escape(name)}</b><span class="b-time" data-since="{each.since}"></span></span>'
                    f"<span class=r-words>{escape(text)}</span>{other}"
                )


async def _detail(desk: Desk) -> None:
    desk.answers, desk.other = [], None
    waiting = desk.current()
    desk.drawn = _mark(waiting)
    if waiting is None:
        html(f'<p class="f-panel r-done">{escape(desk.seen.words("queue_empty"))}</p>')
        return
    try:
        await (_alert if waiting.kind == "alert" else _call)(desk, waiting)
    except FenliuError as error:
        html(f'<p class="f-panel">{escape(str(error))}</p>')


async def _call(desk: Desk, waiting: Waiting) -> None:
    room, t, city = desk.room, desk.seen.words, desk.room.service.rules().city
    order = await views.order(room.service.client, city.id, waiting.id)
    await room.note(desk.seen.viewer, "look.order", waiting.id)
    found = await views.calls_by_id(room.service.client, city.id, list(order.call_ids[:10]))
    if not found:
        html(f'<p class="f-panel">{escape(t("not_found"))}</p>')
        return
    call, outcome = found[0]["call"], found[0]["outcome"]
    choices = choices_of(outcome, city, hour_of(city, call["received_at"]))
    reasons = [r["text"] for r in outcome["decision"]["reasons"]]
    _head(desk, waiting, category_name(order.category, city))
    _words(desk, [c["call"]["text"] for c in found], reasons)

    async def decide(choice: Choice) -> None:
        what = f"{_CHINESE(f'm_{choice.matter.value}')}·{category_name(choice.category, city)}"
        reason = _CHINESE("reason_choice", what=what)
        review = CallReview(choice.matter, reason, desk.seen.viewer.name, choice.category)
        await _done(desk, lambda: _review_call(desk, call["call_id"], review))

    second = escape(t("by_opinion"))
    names = [
        f'<b>{escape(category_name(c.category, city))}</b><i class="b-matter">{escape(t("m_" + c.matter.value))}</i>'
        f"<span>→ {escape(body_name(c.body_id, city))}</span><small>{second if c.by else ''}{c.probability:.0%}</small>"
        for c in choices
    ]
    answers: list[Act] = [lambda c=c: decide(c) for c in choices]  # type: ignore[misc]  # bound now, called later
    _answers(desk, names, answers, other=lambda: _other(desk, call["call_id"], order.category))
    links = outcome["links"]
    ids = list(dict.fromkeys((*links["same_caller_calls"], *links["same_place_calls"])))[:8]
    await _evidence(desk, ids, links, outcome["decision"]["place"])


async def _alert(desk: Desk, waiting: Waiting) -> None:
    room, t, city = desk.room, desk.seen.words, desk.room.service.rules().city
    alert = await views.alert(room.service.client, city.id, waiting.id)
    _head(desk, waiting, alert.title)
    found = await views.calls_by_id(room.service.client, city.id, list(alert.call_ids[-8:]))
    _words(desk, [alert_words(alert, public=desk.seen.viewer.bare)], list(alert.reasons))
    body = body_name(alert.body_id, city)

    async def judge(verdict: str, reason: str) -> None:
        await _done(desk, lambda: _review_alert(desk, alert.alert_id, verdict, reason, body))

    names = [f"<b>{escape(t('confirm'))}</b><span>→ {escape(body)}</span>"]
    names += [f"<b>{escape(t(key))}</b>" for key in DISMISSALS]
    answers: list[Act] = [lambda: judge("confirm", "二次研判成立")]
    answers += [lambda k=key: judge("dismiss", _CHINESE(k)) for key in DISMISSALS]  # type: ignore[misc]  # as above
    _answers(desk, names, answers)
    place = {"township": alert.township, "district": alert.district, "lat": None, "lng": None}
    if found:
        place = found[-1]["outcome"]["decision"]["place"]
    await _evidence(desk, [c["call"]["call_id"] for c in found], {}, place)


def _head(desk: Desk, waiting: Waiting, name: str) -> None:
    t, row = desk.seen.words, waiting.row
    claim = desk.room.claims.holder(waiting.id, desk.room.service.clock.now())
    taken = ""
    if claim and claim.screen != desk.screen:
        taken = f'<span class="f-badge k-red" role="status">{escape(t("taken", who=claim.who))}</span>'
    danger = f'<span class="f-badge k-red">{escape(t("danger"))}</span>' if row.get("x") else ""
    due = f'<span class="p-due">{escape(t("left"))} <b data-due="{row["d"]}">…</b></span>' if row.get("d") else ""
    area = f'<span class="p-to">{escape(row["a"] or t("place_unknown"))}</span>'
    html(f'<h1>{escape(name)}</h1>{grade_badge(row["g"], t)}{danger}{taken}{area}<span class="f-space"></span>{due}',
         "p-title")  # fmt: skip


def _words(desk: Desk, texts: list[str], reasons: list[str]) -> None:
    clean = [bare(x) if desk.seen.viewer.bare else x for x in dict.fromkeys(texts)]
    quotes = "".join(f'<blockquote class="p-text">{marked(x, reasons)}</blockquote>' for x in clean)
    why = "".join(f"<li>{escape(bare(r) if desk.seen.viewer.bare else r)}</li>" for r in reasons)
    html(f'{quotes}<ul class="p-why">{why}</ul>', "f-panel r-text")


def _answers(desk: Desk, names: list[str], answers: list[Act], other: Callable[[], None] | None = None) -> None:
    """The answers as large buttons, each with its key."""
    t = desk.seen.words
    with ui.element("section").classes("f-panel r-answers").props(f'aria-label="{t("choose")}"'):
        if not desk.seen.viewer.acts:
            html(f'<p class="f-none">{escape(t("read_only"))}</p>')
            return
        desk.answers, desk.other = answers, other
        html(f'<p class="r-hint">{escape(t("choose"))}<span>{escape(t("keys_move"))}</span></p>')
        for n, (name, act) in enumerate(zip(names, answers, strict=True), 1):
            made = ui.element("button").props("type=button").classes("r-answer").on("click", lambda _, a=act: a())
            with made:
                ui.html(f"<kbd>{n}</kbd>{name}", sanitize=False, tag="span")
        if other is not None:
            with ui.element("button").props("type=button").classes("r-answer r-other").on("click", lambda _: other()):
                ui.html(f"<kbd>0</kbd>{escape(t('other_choice'))}", sanitize=False, tag="span")


async def _evidence(desk: Desk, ids: list[str], links: dict[str, Any], place: dict[str, Any]) -> None:
    t, city = desk.seen.words, desk.room.service.rules().city
    found = await views.calls_by_id(desk.room.service.client, city.id, ids)
    rows = []
    if links.get("same_caller"):
        rows.append((t("caller"), escape(t("same_caller", n=links["same_caller"] + 1))))
    if links.get("same_place"):
        rows.append((t("address"), escape(t("same_place", n=links["same_place"] + 1))))
    points = [(place["lat"], place["lng"])] if place["lat"] is not None and place["lng"] is not None else []
    with ui.element("div").classes("r-evidence"):
        html(f"<h2>{escape(t('evidence'))}</h2>{facts(rows)}{call_list(found, city, desk.seen)}", "f-panel")
        name = area_name(place["township"] or place["district"], city) or t("place_unknown")
        drawn = place_map(city, place["township"], points, None, name)
        html(f"<h2>{escape(t('map'))}<small>{escape(name)}</small></h2>{drawn}", "f-panel")


async def _review_call(desk: Desk, call_id: str, review: CallReview) -> str:
    order = await desk.room.service.actions.review_call(call_id, review)
    await desk.room.note(desk.seen.viewer, "review_call", call_id)
    return desk.seen.words("decided", body=body_name(order.body_id, desk.room.service.rules().city))


async def _review_alert(desk: Desk, alert_id: str, verdict: str, reason: str, body: str) -> str:
    await desk.room.service.actions.review_alert(alert_id, verdict, reason, desk.seen.viewer.name)
    await desk.room.note(desk.seen.viewer, "review_alert", alert_id, verdict)
    return desk.seen.words("confirmed", body=body) if verdict == "confirm" else desk.seen.words("dismissed")


async def _done(desk: Desk, act: Callable[[], Awaitable[str]]) -> None:
    """Do it once, say what became of it, go on to the next."""
    decided, desk.answers, desk.other = desk.at, [], None
    assert desk.host is not None  # noqa: S101 - set before anything is drawn
    with desk.host:  # the dialog that asked may be gone by now
        try:
            ui.notify(await act(), type="positive", position="bottom")
        except FenliuError as error:
            ui.notify(f"{desk.seen.words('conflict')}：{error}", type="warning", position="bottom")
    board = desk.room.feed.board
    board.put_alert(decided, None) if decided in board.alerts else board.put_order(decided, None)
    desk.room.feed.look_again(decided)
    desk.at = ""
    desk.redraw()


def _other(desk: Desk, call_id: str, category: str) -> None:
    """Any category, any body, with a reason."""
    t, city = desk.seen.words, desk.room.service.rules().city
    categories = {c.id: f"{c.group} · {c.name}" for c in city.taxonomy.categories.values()}
    bodies = {"": "—"} | {b.id: b.name for b in city.bodies.values()}
    matters = {m.value: t(f"m_{m.value}") for m in Matter}
    assert desk.host is not None  # noqa: S101 - set before anything is drawn
    with desk.host, ui.dialog() as dialog, ui.element("div").classes("f-dialog"):
        html(f"<h2>{escape(t('other_choice'))}</h2>")
        chosen = ui.select(categories, label=t("category"), value=category, with_input=True).props("outlined")
        matter = ui.select(matters, label=t("matter"), value="police").props("outlined")
        body = ui.select(bodies, label=t("body"), value="", with_input=True).props("outlined")
        reason = ui.input(t("reason")).props("outlined maxlength=500")

        def follow() -> None:
            if chosen.value in city.taxonomy.categories:
                matter.value = city.taxonomy.categories[chosen.value].matter.value

        chosen.on_value_change(follow)
        follow()

        async def done() -> None:
            dialog.close()
            why = desk.room.service.masking.text(reason.value or "") or "人工改判"
            review = CallReview(Matter(matter.value), why, desk.seen.viewer.name, chosen.value or "", body.value or "")
            await _done(desk, lambda: _review_call(desk, call_id, review))

        with ui.element("div").classes("p-moves"):
            button(t("send"), done, "f-primary")
            button(t("cancel_dialog"), dialog.close)
    dialog.on("hide", dialog.delete)
    dialog.open()
