"""Console room: stored calls that nobody could decide, with what is stored of each, so that a person can act on it."""

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

from nicegui import ui

from engine.console.parts import at_words, button, html
from engine.console.room import Room, Visit
from engine.errors import FenliuError
from engine.store import queues, views

_MOST_CHARACTERS = 2_000


async def waiting(room: Room) -> list[dict[str, Any]]:
    """Calls that wait for another try; none while the store is away (the page says so itself)."""
    try:
        return await views.undecided(room.service.client, room.service.rules().city.id)
    except FenliuError:
        return []


def shown_of(calls: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """What a look compares to know whether to draw again."""
    return [(each["call_id"], each["tries"]) for each in calls]


async def draw(room: Room, seen: Visit, again: Callable[[], None]) -> None:
    """The list; nothing at all when every call is decided."""
    t, city = seen.words, room.service.rules().city
    if not (calls := await waiting(room)):
        return
    with ui.element("section").classes("f-panel"):
        html(f"<h2>{escape(t('undecided'))}<small>{len(calls)}</small></h2><p>{escape(t('undecided_help'))}</p>")
        for each in calls:
            with ui.element("div").classes("o-letter"):
                tried = t("undecided_tried", n=each["tries"], at=at_words(each["tried_at"], city))
                why = t("undecided_why", why=each["why"])
                html(
                    f"<b><code>{escape(each['call_id'])}</code></b><span>{escape(tried)}</span>"
                    f"<em>{escape(why)}</em>"
                    f'<pre class="t-source">{escape(each["stored"][:_MOST_CHARACTERS])}</pre>'
                )
                if seen.viewer.acts:
                    button(t("undecided_now"), partial(_now, room, seen, each["call_id"], again))


async def _now(room: Room, seen: Visit, call_id: str, again: Callable[[], None]) -> None:
    try:
        waits = await queues.decide_now(room.service.client, room.service.rules().city.id, call_id)
        ui.notify(seen.words("undecided_asked" if waits else "undecided_done"), type="positive")
    except FenliuError as error:
        ui.notify(str(error), type="negative")
    again()
