"""Console room: one model's desk: the editor and what check says while somebody types."""

from html import escape

from nicegui import ui

from engine.alerting import Checked, DraftLate
from engine.alerting.model_schema import ModelFile
from engine.console.fault_words import said
from engine.console.model_moves import line, moves, save, title
from engine.console.model_screen import Desk, Editor, is_own, part, place_of, show
from engine.console.model_tries import trying
from engine.console.model_words import words_of
from engine.console.parts import html
from engine.errors import Fault


def draw_desk(desk: Desk) -> None:
    """The whole page of one model."""
    # NiceGUI's bundle of CodeMirror is only offered to pages once its module was imported.
    from nicegui.elements.codemirror import CodeMirror  # noqa: F401 - imported to be offered

    t, book = desk.seen.words, desk.room.service.rules()
    desk.text = desk.shown
    desk.host = ui.element("div")
    with ui.element("div").classes("f-page m-page"):
        part(desk, "title", title)
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
                desk.editor.on("store", lambda _: save(desk))
                part(desk, "faults", _faults)
            with ui.element("div").classes("m-right"):
                part(desk, "moves", moves)
                if desk.writes:
                    trying(desk)
                part(desk, "line", line)


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
        show(desk, found)


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
    where = desk.seen.words("line_n", n=place[0]) if place and is_own(desk, fault) else fault.where
    words = f"<b>{escape(where)}</b> {escape(said(fault.what, fault.right, desk.seen.words))}"

    def go() -> None:
        if place and desk.editor is not None and is_own(desk, fault):
            desk.editor.run_method("show", *place)

    with ui.element("li"), ui.element("button").props("type=button").classes("warn" if warning else "bad") as made:
        ui.html(words, sanitize=False, tag="span")
    made.on("click", go)
