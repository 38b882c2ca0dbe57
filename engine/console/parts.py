"""Console room: small pieces of pages as HTML, each from values; everything that came from outside is escaped."""

import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import background_tasks, ui

from engine.console.rows import area_name, bare, body_name
from engine.console.words import Words
from engine.loop.clocks import ORDER_OF_STEPS, lengths_of, procedure_of
from engine.model.call import Instant
from engine.model.city import City, Length, Tier
from engine.model.message import LogEntry
from engine.model.order import Event, Order, State

_QUOTED = re.compile(r"“([^”]{1,40})”")
_REACHED = {
    Event.SIGN: State.SIGNED,
    Event.ARRIVE: State.ARRIVED,
    Event.REPORT: State.REPORTED,
    Event.VERIFY: State.VERIFIED,
    Event.CALL_BACK: State.CALLED_BACK,
}
Point = tuple[float, float]
"""Latitude and longitude, WGS-84."""
INK = "#748290"
"""Words in charts: read on the light and on the dark theme."""
_TELLING = frozenset({"alert.raised", "alert.instructed", "order.sent"})
"""Entries that quote an alert's message, which may name an address."""
_QUIET = ("message.delivered",)


def html(text: str, classes: str = "") -> ui.html:
    """A piece of HTML of ours."""
    return ui.html(text, sanitize=False).classes(classes)


def one_at_a_time(redraw: Callable[[], Awaitable[Any]]) -> Callable[[], None]:
    """A redraw that never runs twice at once: two at work would both leave their pieces on the page."""
    wanted = running = False

    async def run() -> None:
        nonlocal wanted, running
        running = True
        try:
            while wanted:
                wanted = False
                await redraw()
        finally:
            running = False

    def ask() -> None:
        nonlocal wanted
        wanted = True
        if not running:
            background_tasks.create(run(), name="redraw")

    return ask


def button(text: str, act: Callable[[], Any], classes: str = "", key: str = "") -> ui.element:
    """A button; `key` is shown as the key that presses it."""
    made = ui.element("button").props("type=button").classes(f"f-button {classes}").on("click", lambda _: act())
    with made:
        hint = f"<kbd>{escape(key)}</kbd> " if key else ""
        ui.html(hint + escape(text), sanitize=False, tag="span")
    return made


def at_words(at: Instant, city: City, *, seconds: bool = True) -> str:
    """An instant on the city's wall clock: `11-23 02:59:06`."""
    return datetime.fromtimestamp(at / 1000, ZoneInfo(city.tz)).strftime("%m-%d %H:%M:%S" if seconds else "%m-%d %H:%M")


def length_words(length: Length, t: Words) -> str:
    """A length of time in words."""
    zh = t.language == "zh"
    if length.working_days:
        return f"{length.working_days} 个工作日" if zh else f"{length.working_days} working days"
    for size, chinese, english in ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s")):
        if length.seconds >= size and length.seconds % size == 0:
            return f"{length.seconds // size} {chinese if zh else english}"
    return f"{length.seconds} {'秒' if zh else 's'}"


def marked(text: str, reasons: Iterable[str]) -> str:
    """The text with the words that decided marked: those the reasons quote."""
    words = {w for reason in reasons for w in _QUOTED.findall(reason) if w in text}
    if not words:
        return escape(text)
    pattern = re.compile("|".join(re.escape(w) for w in sorted(words, key=len, reverse=True)))
    out, end = [], 0
    for found in pattern.finditer(text):
        out += [escape(text[end : found.start()]), f"<mark>{escape(found[0])}</mark>"]
        end = found.end()
    return "".join([*out, escape(text[end:])])


def grade_badge(grade: str, t: Words) -> str:
    """A grade as a small coloured word."""
    return f'<span class="f-badge gb-{escape(grade)}">{escape(t("g_" + grade))}</span>'


def due_clock(order: Order, t: Words) -> str:
    """The running clock of what the order owes; the browser keeps it running."""
    if order.due is None or not order.is_open:
        return ""
    step = escape(t(f"e_{order.due.step.value}"))
    if order.paused_left is not None:
        return f'<span class="p-due">{step} <b>{escape(t("paused"))}</b></span>'
    return f'<span class="p-due">{step} <b data-due="{order.due.at}" data-length="{order.due.length}">…</b></span>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A list of facts; values are HTML already, empty ones are left out."""
    shown = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in rows if value)
    return f'<dl class="p-facts">{shown}</dl>'


def step_picture(order: Order, city: City, t: Words) -> str:
    """All steps of the procedure with where the order stands, when each was done and how long each may take."""
    waits = order.state in (State.REVIEW, State.RETURNED)
    steps = [("done", t("step_open"), at_words(order.opened_at, city, seconds=False))]
    if waits:
        steps.append(("now", t("e_assign"), _limit(procedure_of(order, city).steps[0], order, city, t)))
    owed = order.due.step if order.due and not waits else None
    passed = ORDER_OF_STEPS.index(owed) if owed else 0
    for rule in city.procedures[order.procedure].steps if order.procedure != "review" else ():
        at = order.entered.get(_REACHED[rule.step].value) if rule.step in _REACHED else None
        before = not owed or ORDER_OF_STEPS.index(rule.step) < passed
        if at is not None and before and not waits:
            steps.append(("done", t(f"e_{rule.step.value}"), at_words(at, city, seconds=False)))
        else:
            steps.append(
                ("now" if rule.step is owed else "todo", t(f"e_{rule.step.value}"), _limit(rule, order, city, t))
            )
    closed = order.entered.get(State.CLOSED.value)
    if order.is_open or order.state is State.CLOSED:
        end = ("done", at_words(closed, city, seconds=False)) if not order.is_open and closed else ("todo", "")
        steps.append((end[0], t("step_closed"), end[1]))
    else:
        steps.append(("done", t(f"s_{order.state.value}"), ""))
    items = "".join(
        f'<li class="{kind}"{" aria-current=step" if kind == "now" else ""}><b>{escape(name)}</b>'
        f"<span>{escape(when)}</span></li>"
        for kind, name, when in steps
    )
    return f'<ol class="p-steps{" late" if order.overdue else ""}">{items}</ol>'


def _limit(rule: Any, order: Order, city: City, t: Words) -> str:
    shortest = min(lengths_of(rule, order, city), key=lambda length: (length.working_days, length.seconds))
    return t("within", time=length_words(shortest, t))


def time_line(entries: list[LogEntry], city: City, t: Words, *, without_numbers: bool) -> str:
    """What happened, newest first."""
    rows = []
    for entry in reversed(entries):
        text = bare("" if entry.what in _TELLING else entry.text) if without_numbers else entry.text
        quiet = " quiet" if entry.what in _QUIET else ""
        bad = " bad" if entry.what.endswith((".overdue", ".supervised", ".dead", "_overdue", ".return")) else ""
        who = body_name(entry.who, city) if entry.who != "fenliu" else t("app")
        kind = f" {escape(t.entry(str(entry.data.get('type', ''))))}" if entry.what.startswith("message.") else ""
        rows.append(
            f'<li class="{quiet}{bad}"><time>{at_words(entry.at, city)}</time><b>{escape(t.entry(entry.what))}</b>'
            f"<span>{escape(who)}{kind}</span><p>{escape(text)}</p></li>"
        )
    return f'<ol class="p-line">{"".join(rows)}</ol>'


def place_map(city: City, township: str, points: Iterable[Point], body_at: Point | None, label: str) -> str:
    """The townships as outlines, the one concerned filled, calls as dots, the body as a square; no tiles."""
    shapes = [a for a in city.areas.values() if a.tier is Tier.TOWNSHIP and a.polygon]
    if not shapes:
        return ""
    lats = [p[0] for a in shapes for p in a.polygon]
    lngs = [p[1] for a in shapes for p in a.polygon]
    south, north, west, east = min(lats), max(lats), min(lngs), max(lngs)
    wide = 300.0
    high = wide * (north - south) / max(1e-9, (east - west) * 0.88)

    def xy(lat: float, lng: float) -> tuple[float, float]:
        return (lng - west) / (east - west) * wide, (north - lat) / (north - south) * high

    def ring(points: Iterable[tuple[float, float]]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (xy(*p) for p in points))

    drawn = []
    for area in shapes:
        x = sum(xy(*p)[0] for p in area.polygon) / len(area.polygon)
        y = sum(xy(*p)[1] for p in area.polygon) / len(area.polygon)
        on = ' class="on"' if area.id == township else ""
        name = escape(area.name.removesuffix("街道").removesuffix("镇"))
        y -= 9 if on and body_at else 0  # the body's square stands in the middle
        drawn.append(f'<g{on}><polygon points="{ring(area.polygon)}"/><text x="{x:.1f}" y="{y:.1f}">{name}</text></g>')
    for point in points:
        x, y = xy(*point)
        drawn.append(f'<circle class="call" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
    if body_at:
        x, y = xy(*body_at)
        drawn.append(f'<rect class="body" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>')
    said = escape(label or area_name(township, city))
    return (
        f'<svg class="p-map" role="img" aria-label="{said}" viewBox="-4 -4 {wide + 8:.0f} {high + 8:.0f}">'
        f"{''.join(drawn)}</svg>"
    )
