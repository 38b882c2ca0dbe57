"""Console room: the legal next moves of an order as buttons, and what each asks before it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from engine.console.parts import button, html
from engine.console.room import Room, Visit
from engine.errors import Conflict, FenliuError, Illegal
from engine.http.tokens import Role
from engine.loop import legal_moves
from engine.model.order import Actor, Event, Order, OrderEvent, State

_AT_ONCE = frozenset({Event.SIGN, Event.ARRIVE, Event.VERIFY})
"""Done by one press; everything else asks for words first."""
_FIRST = frozenset({Event.SIGN, Event.ARRIVE, Event.REPORT, Event.VERIFY, Event.CALL_BACK})
_HARSH = frozenset({Event.CANCEL, Event.RETURN, Event.REJECT})


@dataclass(frozen=True, slots=True)
class Acting:
    """How the page is drawn again after a move, and where dialogs stand meanwhile."""

    again: Callable[[], None]
    host: ui.element


def moves_of(room: Room, seen: Visit, order: Order) -> tuple[Event, ...]:
    """What this viewer may do to the order now."""
    viewer = seen.viewer
    if not viewer.acts and not (viewer.role is Role.BODY and viewer.body == order.body_id):
        return ()
    return legal_moves(order, room.service.rules().city, actor_of(seen))


def actor_of(seen: Visit) -> Actor:
    """In whose name the loop sees the viewer."""
    return Actor.BODY if seen.viewer.role is Role.BODY else Actor.OFFICER


def buttons(room: Room, seen: Visit, order: Order, acting: Acting) -> None:
    """One button for each legal move."""
    t, moves = seen.words, moves_of(room, seen, order)
    with ui.element("div").classes("p-moves"):
        if seen.viewer.acts and order.state in (State.REVIEW, State.RETURNED) and not order.alert_id:
            html(f'<a class="f-button f-primary" href="/review?at={order.order_id}">{t("decide_here")}</a>')
        elif not moves:
            html(f'<p class="f-none">{t("no_moves")}</p>')
        for event in moves:
            look = "f-primary" if event in _FIRST else "f-danger" if event in _HARSH else ""
            button(t(f"e_{event.value}"), _press(room, seen, order, event, acting), look)


def _press(room: Room, seen: Visit, order: Order, event: Event, acting: Acting) -> Callable[[], Any]:
    if event in _AT_ONCE:
        return lambda: do(room, seen, order, event, "", {}, acting)
    return lambda: _ask(room, seen, order, event, acting)


def _ask(room: Room, seen: Visit, order: Order, event: Event, acting: Acting) -> None:
    """A small dialog: words, and for some moves a yes or no."""
    t = seen.words
    with acting.host, ui.dialog() as dialog, ui.element("div").classes("f-dialog"):
        html(f"<h2>{t(f'e_{event.value}')}</h2>")
        note = ui.textarea(t("note"), placeholder=t("note_hint")).props("outlined autofocus maxlength=2000")
        switches = {}
        if event is Event.CALL_BACK:
            switches = {
                "solved": ui.switch(t("solved"), value=True),
                "satisfied": ui.switch(t("satisfied"), value=True),
            }
        if event is Event.NOTE:
            switches = {"waiting": ui.switch(t("waiting_caller"))}

        async def done() -> None:
            dialog.close()
            data = {name: bool(switch.value) for name, switch in switches.items()}
            if event is Event.NOTE and not data["waiting"]:
                data = {}
            await do(room, seen, order, event, note.value or "", data, acting)

        with ui.element("div").classes("p-moves"):
            button(t("send"), done, "f-primary")
            button(t("cancel_dialog"), dialog.close)
        note.on("keydown.ctrl.enter", done)
    dialog.on("hide", dialog.delete)  # what was typed goes with it
    dialog.open()


async def do(
    room: Room, seen: Visit, order: Order, event: Event, note: str, data: dict[str, Any], acting: Acting
) -> None:
    """Make the move, say what became of it, redraw."""
    t, service = seen.words, room.service
    viewer = seen.viewer
    said = OrderEvent(event, service.clock.now(), actor_of(seen), viewer.name, service.masking.text(note), data)
    with acting.host:  # the dialog that asked may be gone by now
        try:
            await service.actions.order_event(
                order.order_id, said, holder=viewer.body if viewer.role is Role.BODY else ""
            )
            await room.note(viewer, "order_event", order.order_id, event.value)
        except (Illegal, Conflict):
            ui.notify(t("conflict"), type="warning")
        except FenliuError as error:
            ui.notify(str(error), type="negative")
        else:
            ui.notify(t("done", what=t(f"e_{event.value}")), type="positive")
    acting.again()
