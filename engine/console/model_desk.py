"""Console room: one model's desk: editor, what check, tests and replay say, and the moves of two people."""

import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

from nicegui import ui

from engine.alerting import Checked, DraftLate, Model, ModelMove
from engine.alerting.model_schema import ModelFile
from engine.console.fault_words import said
from engine.console.model_replay import drawn_replay
from engine.console.model_words import words_of
from engine.console.parts import at_words, button, html, time_line
from engine.console.room import Room, Visit
from engine.errors import Conflict, Fault, FenliuError, Refused
from engine.http.models import DECIDE, WRITE

_DAY_MS = 86_400_000
_ASKS = frozenset({ModelMove.PROPOSE, ModelMove.APPROVE, ModelMove.REJECT, ModelMove.FALL_BACK, ModelMove.RETIRE})
"""Moves that ask for a reason first."""
_STEPS = ("draft", "shadow", "proposal", "live")
Act = Callable[[], Awaitable[None]]


class Editor(ui.element, component="static/model_editor.js"):
    """The text in the browser."""

    def __init__(self, props: dict[str, Any]) -> None:
        super().__init__()
        self._props |= props


@dataclass(slots=True)
class Desk:
    """One viewer at one model. `text` is what stands in the editor, `model` what is stored."""

    room: Room
    seen: Visit
    model: Model
    is_new: bool = False
    text: str = ""
    checked: Checked | None = None
    turn: int = 0
    """Number of the newest check: answers of older ones are thrown away."""
    redraw: dict[str, Callable[[], Any]] = field(default_factory=dict)
    editor: Editor | None = None
    host: ui.element | None = None

    @property
    def writes(self) -> bool:
        """Whether this viewer may write models."""
        return self.seen.viewer.role in WRITE

    @property
    def is_changed(self) -> bool:
        """Whether the editor holds something that is not stored."""
        return self.is_new or self.text != self.shown

    @property
    def shown(self) -> str:
        """The newest stored text: the one that waits for approval, else the one in the folder."""
        return self.model.proposal.text if self.model.proposal else self.model.text

    @property
    def base(self) -> str:
        """The text in the folder, by its digest; nothing for a model that is not there yet."""
        return "" if self.is_new else self.model.digest


def draw_desk(desk: Desk) -> None:
    """The whole page of one model."""
    # NiceGUI's bundle of CodeMirror is only offered to pages once its module was imported.
    from nicegui.elements.codemirror import CodeMirror  # noqa: F401

    t, book = desk.seen.words, desk.room.service.rules()
    desk.text = desk.shown
    desk.host = ui.element("div")
    with ui.element("div").classes("f-page m-page"):
        _part(desk, "title", _title)
        with ui.element("div").classes("m-columns"):
            with ui.element("div").classes("m-left"), ui.element("section").classes("f-panel m-panel"):
                desk.editor = Editor(
                    {
                        "value": desk.shown, "schema": ModelFile.model_json_schema(),
                        "words": words_of(book.city, book.engine.models), "label": t("model_text"),
                        "keep": f"fenliu-model-{desk.model.id}", "frozen": not desk.writes,
                        "t": {key: t(key) for key in ("kept", "restore", "forget")},
                    }
                )  # fmt: skip
                desk.editor.on("typed", lambda event: _typed(desk, str(event.args)))
                desk.editor.on("store", lambda _: _save(desk))
                _part(desk, "faults", _faults)
            with ui.element("div").classes("m-right"):
                _part(desk, "moves", _moves)
                if desk.writes:
                    _trying(desk)
                _part(desk, "line", _line)


def _part(desk: Desk, name: str, draw: Callable[[Desk], None]) -> None:
    @ui.refreshable
    def part() -> None:
        draw(desk)

    part()
    desk.redraw[name] = part.refresh


def _again(desk: Desk, *names: str) -> None:
    for name in names or tuple(desk.redraw):
        desk.redraw[name]()


# --- the text


async def _typed(desk: Desk, text: str) -> None:
    """Check what is there now; while somebody goes on typing only the newest answer counts."""
    desk.text, desk.turn = text[:70_000], desk.turn + 1
    turn = desk.turn
    if not desk.writes:
        return
    try:
        found = await desk.room.service.models.check(desk.model.id, desk.text)
    except DraftLate as error:
        found = Checked(faults=(Fault(f"alerts/{desk.model.id}.yaml:1:1", str(error)),))
    if turn == desk.turn:
        _show(desk, found)


def _show(desk: Desk, found: Checked) -> None:
    desk.checked = found
    own = [(f, False) for f in found.faults if _own(desk, f)] + [(f, True) for f in found.warnings if _own(desk, f)]
    marks = [
        {"line": place[0], "column": place[1], "text": said(f.what, f.right, desk.seen.words), "warning": warning}
        for f, warning in own
        if (place := place_of(f))
    ]
    assert desk.editor is not None  # noqa: S101 - drawn before anything is typed
    desk.editor.run_method("mark", marks)
    _again(desk, "title", "faults", "moves")


def _own(desk: Desk, fault: Fault) -> bool:
    return fault.where.split(":")[0].endswith(f"/{desk.model.id}.yaml")


def place_of(fault: Fault) -> tuple[int, int] | None:
    """Line and column of a fault, from 1."""
    _, line, column = ([*fault.where.split(":"), "", ""])[:3]
    return (int(line), int(column or 1)) if line.isdigit() else None


def _faults(desk: Desk) -> None:
    t, found = desk.seen.words, desk.checked
    if not desk.writes:
        return
    if found is None:
        html(f'<p class="m-verdict" role="status">{escape(t("checking"))}</p>')
        return
    verdict = t("n_faults", n=len(found.faults)) if found.faults else t("no_faults")
    more = f" · {t('n_warnings', n=len(found.warnings))}" if found.warnings else ""
    bad = " bad" if found.faults else ""
    html(f'<p class="m-verdict{bad}" role="status">{escape(verdict + more)}</p>')
    with ui.element("ul").classes("m-faults"):
        for fault, warning in [(f, False) for f in found.faults[:12]] + [(f, True) for f in found.warnings[:6]]:
            _fault_line(desk, fault, warning)


def _fault_line(desk: Desk, fault: Fault, warning: bool) -> None:
    place = place_of(fault)
    where = desk.seen.words("line_n", n=place[0]) if place and _own(desk, fault) else fault.where
    words = f"<b>{escape(where)}</b> {escape(said(fault.what, fault.right, desk.seen.words))}"

    def go() -> None:
        if place and desk.editor is not None and _own(desk, fault):
            desk.editor.run_method("show", *place)

    with ui.element("li"), ui.element("button").props("type=button").classes("warn" if warning else "bad") as made:
        ui.html(words, sanitize=False, tag="span")
    made.on("click", go)


# --- storing and moves


def _title(desk: Desk) -> None:
    t, model = desk.seen.words, desk.model
    file = desk.room.service.rules().engine.models.files.get(model.id)
    head = desk.checked.head if desk.checked else None
    name = head.title if head else file.title if file else model.id
    badge = f'<span class="f-badge mo-{escape(model.state)}">{escape(t("mo_" + model.state))}</span>'
    if desk.is_new:
        badge = f'<span class="f-badge">{escape(t("not_stored"))}</span>'
    waits = f'<span class="f-badge k-review">{escape(t("waits_for_second"))}</span>' if model.proposal else ""
    html(f"<h1>{escape(name)}</h1>{badge}{waits}<code>{escape(model.id)}</code>", "p-title")


def _moves(desk: Desk) -> None:
    t, model = desk.seen.words, desk.model
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
                button(t(kind), lambda: _save(desk), "f-primary", "Ctrl+S")
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


async def _save(desk: Desk) -> None:
    if not desk.writes or not desk.is_changed:
        return
    viewer = desk.seen.viewer

    async def save() -> Model:
        saved = await desk.room.service.models.save(desk.model.id, desk.text, viewer.name, desk.base)
        await desk.room.note(viewer, "save_model", desk.model.id)
        return saved

    await _done(desk, save, "stored")


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
            _show(desk, Checked(faults=error.faults))
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
    _again(desk)


# --- trying


def _trying(desk: Desk) -> None:
    """Tests and replay: each a button and what came of it."""
    t = desk.seen.words
    with ui.element("section").classes("f-panel m-try"):
        with ui.element("div").classes("m-top"):
            html(f"<h2>{escape(t('try_model'))}</h2>")
            ran = button(t("run_tests"), lambda: tests(), "", "")
            ran.props(f'aria-label="{t("run_tests")}"')
            days = ui.select(
                {7: t("last_days", n=7), 30: t("last_days", n=30), 365: t("last_days", n=365)}, value=30
            ).props(f'dense outlined options-dense aria-label="{t("range")}"')
            button(t("run_replay"), lambda: replay())
        out = ui.element("div").classes("m-out").props("aria-live=polite")

    async def tests() -> None:
        await _shown(desk, out, lambda: _run_tests(desk, out))

    async def replay() -> None:
        await _shown(desk, out, lambda: _run_replay(desk, out, int(days.value)))


async def _shown(desk: Desk, out: ui.element, act: Act) -> None:
    out.clear()
    with out:
        html(f'<p class="f-none m-busy">{escape(desk.seen.words("running"))}</p>')
    try:
        await act()
    except FenliuError as error:
        out.clear()
        with out:
            html(f'<p class="f-fault" role="alert">{escape(str(error))}</p>')


async def _run_tests(desk: Desk, out: ui.element) -> None:
    t = desk.seen.words
    found = await desk.room.service.models.test(desk.model.id, desk.text)
    out.clear()
    with out:
        if found.faults:
            html(f'<p class="f-fault">{escape(t("faults_first", n=len(found.faults)))}</p>')
            return
        rows = "".join(
            f'<li class="{"bad" if run.difference else "good"}">'
            f"<b>{'✗' if run.difference else '✓'} {escape(run.name)}</b>"
            f"{''.join(f'<p>{escape(d)}</p>' for d in run.difference)}</li>"
            for run in found.runs
        )
        half = "".join(f"<li>{escape(each)}</li>" for each in found.half[:6])
        more = f"<details><summary>{escape(t('half_covered'))}</summary><ul>{half}</ul></details>" if half else ""
        covered = escape(t("covered", share=f"{found.covered:.0%}"))
        html(f'<p class="m-verdict">{covered}</p><ul class="m-tests">{rows}</ul>{more}')


async def _run_replay(desk: Desk, out: ui.element, days: int) -> None:
    now = desk.room.service.clock.now()
    found = await desk.room.service.models.backtest(desk.model.id, desk.text, now - days * _DAY_MS, now + 1)
    out.clear()
    with out:
        if found.faults:
            html(f'<p class="f-fault">{escape(desk.seen.words("faults_first", n=len(found.faults)))}</p>')
        else:
            drawn_replay(found, desk.room.service.rules().city, desk.seen)


def _line(desk: Desk) -> None:
    t = desk.seen.words
    if desk.model.line:
        drawn = time_line(list(desk.model.line), desk.room.service.rules().city, t, without_numbers=False)
        html(f"<h2>{escape(t('time_line'))}</h2>{drawn}", "f-panel")
