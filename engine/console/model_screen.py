"""Console room: what one viewer's screen at a model holds, and how its parts are drawn again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from engine.alerting import Checked, Model
from engine.console.fault_words import said
from engine.console.room import Room, Visit
from engine.errors import Fault
from engine.http.models import WRITE


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
    moves_when_changed: bool | None = None
    """Whether the moves on the screen are those of a changed text."""
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


def part(desk: Desk, name: str, draw: Callable[[Desk], None]) -> None:
    """A part of the page that is drawn again by its name."""

    @ui.refreshable
    def drawn() -> None:
        draw(desk)

    drawn()
    desk.redraw[name] = drawn.refresh


def again(desk: Desk, *names: str) -> None:
    """Draw the named parts again, or all."""
    for name in names or tuple(desk.redraw):
        desk.redraw[name]()


def show(desk: Desk, found: Checked) -> None:
    """What a check found: at its lines in the editor, and in the list below."""
    desk.checked = found
    own = [(f, False) for f in found.faults if is_own(desk, f)] + [(f, True) for f in found.warnings if is_own(desk, f)]
    marks = [
        {"line": place[0], "column": place[1], "text": said(f.what, f.right, desk.seen.words), "warning": warning}
        for f, warning in own
        if (place := place_of(f))
    ]
    assert desk.editor is not None  # noqa: S101 - drawn before anything is typed
    desk.editor.run_method("mark", marks)
    again(desk, "title", "faults")
    if desk.moves_when_changed != desk.is_changed:  # else a click on its way would meet a button that is gone
        again(desk, "moves")


def is_own(desk: Desk, fault: Fault) -> bool:
    """Whether a fault lies in this model's file."""
    return fault.where.split(":")[0].endswith(f"/{desk.model.id}.yaml")


def place_of(fault: Fault) -> tuple[int, int] | None:
    """Line and column of a fault, from 1."""
    _, line, column = ([*fault.where.split(":"), "", ""])[:3]
    return (int(line), int(column or 1)) if line.isdigit() else None
