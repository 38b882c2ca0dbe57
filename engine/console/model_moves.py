"""Console room: a model's state on its desk: storing, moves of two people, what a proposal changes, who did what."""

import difflib
from collections.abc import Awaitable, Callable
from html import escape

from nicegui import ui

from engine.alerting import Checked, Model, ModelMove
from engine.console.model_screen import Desk, again, show
from engine.console.parts import at_words, button, html, time_line
from engine.errors import Conflict, FenliuError, Refused
from engine.http.models import DECIDE

_ASKS = frozenset({ModelMove.PROPOSE, ModelMove.APPROVE, ModelMove.REJECT, ModelMove.FALL_BACK, ModelMove.RETIRE})
"""Moves that ask for a reason first."""
_STEPS = ("draft", "shadow", "proposal", "live")


def title(desk: Desk) -> None:
    """Name, state and what waits."""
    t, model = desk.seen.words, desk.model
    file = desk.room.service.rules().engine.models.files.get(model.id)
    head = desk.checked.head if desk.checked else None
    name = head.title if head else file.title if file else model.id
    badge = f'<span class="f-badge mo-{escape(model.state)}">{escape(t("mo_" + model.state))}</span>'
    if desk.is_new:
        badge = f'<span class="f-badge">{escape(t("not_stored"))}</span>'
    waits = f'<span class="f-badge k-review">{escape(t("waits_for_second"))}</span>' if model.proposal else ""
    html(f"<h1>{escape(name)}</h1>{badge}{waits}<code>{escape(model.id)}</code>", "p-title")


def moves(desk: Desk) -> None:
    """Where the model stands and the legal next moves as buttons."""
    t, model = desk.seen.words, desk.model
    desk.moves_when_changed = desk.is_changed
    at = "proposal" if model.proposal else model.state
    steps = "".join(
        f'<li class="{_step(step, at)}"{" aria-current=step" if step == at else ""}><b>{escape(t("mo_" + step))}</b>'
        f"<span>{escape(t('says_' + step))}</span></li>"
        for step in _STEPS
    )
    with ui.element("section").classes("f-panel f-moves m-moves"):
        html(f'<ol class="p-steps">{steps}</ol><p class="m-next">{escape(_next(desk, at))}</p>')
        if not desk.writes:
            html(f'<p class="f-none">{escape(t("read_only"))}</p>')
            return
        with ui.element("div").classes("p-moves"):
            if desk.is_changed:
                kind = "propose_text" if model.state == "live" and not desk.is_new else "save"
                button(t(kind), lambda: save(desk), "f-primary", "Ctrl+S")
            for move in () if desk.is_changed else _legal(desk):
                kind = "f-primary" if move in (ModelMove.SHADOW, ModelMove.PROPOSE, ModelMove.APPROVE) else ""
                button(t(f"mv_{move.value}"), lambda m=move: _asked(desk, m), kind)  # type: ignore[misc]  # bound now
        if model.proposal:
            html(_difference(desk))


def _step(step: str, at: str) -> str:
    if at not in _STEPS:
        return "todo"
    here, place = _STEPS.index(at), _STEPS.index(step)
    return "now" if step == at else "done" if place < here else "todo"


def _next(desk: Desk, at: str) -> str:
    t, waits = desk.seen.words, desk.model.proposal
    if desk.is_changed:
        return t("next_changed")
    if waits is None:
        return t("next_" + at)
    own = desk.seen.viewer.name in desk.model.authors
    return t("next_own" if own else "next_approve", who=waits.by)


def _legal(desk: Desk) -> tuple[ModelMove, ...]:
    viewer = desk.seen.viewer
    return desk.model.legal(viewer.name, decides=viewer.role in DECIDE)


def _difference(desk: Desk) -> str:
    """What the proposal changes, line by line."""
    waits, t = desk.model.proposal, desk.seen.words
    if waits is None:
        return ""
    lines = list(difflib.unified_diff(desk.model.text.splitlines(), waits.text.splitlines(), lineterm="", n=1))[2:]
    kinds = {"+": "ins", "-": "del"}
    drawn = "".join(
        f"<{kinds[line[0]]}>{escape(line)}</{kinds[line[0]]}>" if line[:1] in kinds else f"<span>{escape(line)}</span>"
        for line in lines[:80]
    )
    at = at_words(waits.at, desk.room.service.rules().city, seconds=False)
    reason = f"：{waits.reason}" if waits.reason else ""
    head = f"{waits.by} {at}{reason}"
    return (
        f'<h2>{escape(t("what_changes"))}<small>{escape(head)}</small></h2><pre class="m-diff" tabindex=0>{drawn}</pre>'
    )


async def save(desk: Desk) -> None:
    """Store what stands in the editor."""
    if not desk.writes or not desk.is_changed:
        return
    viewer = desk.seen.viewer

    async def stored() -> Model:
        saved = await desk.room.service.models.save(desk.model.id, desk.text, viewer.name, desk.base)
        await desk.room.note(viewer, "save_model", desk.model.id)
        return saved

    await _done(desk, stored, "stored")


async def _asked(desk: Desk, move: ModelMove) -> None:
    """Do a move, after asking for the reason where one is due."""
    t = desk.seen.words
    if move not in _ASKS:
        await _move(desk, move, "")
        return
    assert desk.host is not None  # noqa: S101 - set before anything is drawn
    with desk.host, ui.dialog() as dialog, ui.element("div").classes("f-dialog"):
        html(f"<h2>{escape(t('mv_' + move.value))}</h2><p>{escape(t('ask_' + move.value))}</p>")
        why = ui.input(t("reason")).props("outlined maxlength=300 autofocus")

        async def do() -> None:
            if move in (ModelMove.REJECT, ModelMove.FALL_BACK) and not (why.value or "").strip():
                why.props("error")
                return
            dialog.close()
            await _move(desk, move, why.value or "")

        why.on("keydown.enter", do)
        with ui.element("div").classes("p-moves"):
            button(t("send"), do, "f-primary")
            button(t("cancel_dialog"), dialog.close)
    dialog.on("hide", dialog.delete)
    dialog.open()


async def _move(desk: Desk, move: ModelMove, reason: str) -> None:
    viewer, service = desk.seen.viewer, desk.room.service
    waits = desk.model.proposal
    base = waits.digest if waits and move is ModelMove.APPROVE else desk.model.digest
    why = service.masking.text(reason)

    async def act() -> Model:
        moved = await service.models.move(desk.model.id, move, viewer.name, why, base, decides=viewer.role in DECIDE)
        await desk.room.note(viewer, "move_model", desk.model.id, move.value)
        return moved

    await _done(desk, act, f"done_{move.value}")


async def _done(desk: Desk, act: Callable[[], Awaitable[Model]], key: str) -> None:
    """Do it, say what became of it, show what is stored now. What was typed stays when it was refused."""
    t = desk.seen.words
    assert desk.host is not None  # noqa: S101 - set before anything is drawn
    with desk.host:  # the dialog that asked may be gone by now
        try:
            desk.model = await act()
        except Refused as error:
            show(desk, Checked(faults=error.faults))
            ui.notify(t("not_stored_faults"), type="negative", position="bottom")
        except Conflict:
            ui.notify(t("model_conflict"), type="warning", position="bottom")
        except FenliuError as error:
            ui.notify(str(error), type="warning", position="bottom")
        else:
            _stored(desk)
            ui.notify(t(key), type="positive", position="bottom")


def _stored(desk: Desk) -> None:
    """Show what is stored now."""
    desk.is_new, desk.text = False, desk.shown
    assert desk.editor is not None  # noqa: S101 - drawn before anything is stored
    desk.editor.run_method("become", desk.shown)
    again(desk)


def line(desk: Desk) -> None:
    """Who did what to the model."""
    t = desk.seen.words
    if desk.model.line:
        drawn = time_line(list(desk.model.line), desk.room.service.rules().city, t, without_numbers=False)
        html(f"<h2>{escape(t('time_line'))}</h2>{drawn}", "f-panel")
