"""Console room: what may be done to a dossier now, as buttons; each asks for what its event needs."""

from collections.abc import Callable
from html import escape
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from engine.console.moves import Acting
from engine.console.parts import button, html
from engine.console.room import Room, Visit
from engine.errors import FenliuError
from engine.http import dossiers as files
from engine.http.dossier_shapes import DossierEventBody
from engine.http.tokens import Role, User
from engine.model.dossier import ELEMENTS

_RESULTS = {
    "mediation": ("agreed", "partly", "failed"),
    "visit": ("calm", "tense", "absent"),
    "call_back": ("solved", "unsolved"),
}
_FIRST = ("mediation", "agreement", "visit", "close")
_BY = frozenset({"mediation", "agreement", "visit", "call_back"})
_ACTS = frozenset({"mediation", "agreement"})
Found = dict[str, Any]
Ask = Callable[[], Any]


def buttons(room: Room, seen: Visit, found: Found, acting: Acting) -> None:
    """One button for each legal event."""
    t, viewer = seen.words, seen.viewer
    legal = found["legal"] if viewer.acts or viewer.role is Role.BODY else []
    if not legal:
        html(f'<p class="f-none">{escape(t("no_moves"))}</p>')
        return
    with ui.element("div").classes("p-moves"):
        for event in sorted(legal, key=lambda e: _FIRST.index(e) if e in _FIRST else len(_FIRST)):
            kind = "f-primary" if event in _FIRST else ""
            button(t("de_" + event), lambda e=event: _asked(room, seen, found, e, acting), kind)  # type: ignore[misc]  # bound now


def _asked(room: Room, seen: Visit, found: Found, event: str, acting: Acting) -> None:
    t = seen.words
    with acting.host, ui.dialog() as dialog, ui.element("div").classes("f-dialog"):
        html(f"<h2>{escape(t('de_' + event))}</h2>")
        asks = _fields(room, seen, found, event)
        fault = ui.element("div")

        async def do() -> None:
            fault.clear()
            try:
                body = DossierEventBody.model_validate(
                    {"type": event, **{k: v for ask in asks for k, v in ask().items()}}
                )
                user = User(seen.viewer.name, seen.viewer.role, seen.viewer.body)
                await files.dossier_event(room.service, user, found["dossier_id"], body)
                await room.note(seen.viewer, "dossier_event", found["dossier_id"], event)
            except (ValidationError, FenliuError) as error:
                with fault:
                    html(f'<p class="f-fault" role="alert">{escape(_said(error))}</p>')
                return
            dialog.close()
            ui.notify(t("done", what=t("de_" + event)), type="positive", position="bottom")
            acting.again()

        with ui.element("div").classes("p-moves"):
            button(t("send"), do, "f-primary")
            button(t("cancel_dialog"), dialog.close)
    dialog.on("hide", dialog.delete)
    dialog.open()


def _said(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "；".join(str(e["msg"]).removeprefix("Value error, ") for e in error.errors())
    return str(error)


def _fields(room: Room, seen: Visit, found: Found, event: str) -> list[Ask]:
    """The fields of one event; each answers its part of the body."""
    t, asks = seen.words, []
    if event in _RESULTS:
        result = ui.select({r: t("dr_" + r) for r in _RESULTS[event]}, label=t("result")).props("outlined")
        asks.append(lambda: {"result": result.value})
    if event in _BY:
        by = ui.input(t("d_by"), value=seen.viewer.name).props("outlined maxlength=80")
        asks.append(lambda: {"by": by.value or ""})
    if event in _ACTS:
        asks.append(_promise(t))
    if event in ("kept", "broken") and found["acts"]:
        acts = {a["number"]: f"{a['number']}. {a['who']}：{a['what']}" for a in found["acts"]}
        act = ui.select({0: t("d_all_acts")} | acts, value=0, label=t("d_acts")).props("outlined")
        asks.append(lambda: {"act": act.value})
    if event == "grade":
        names = {g.id: g.name for g in sorted(room.service.rules().city.grades.values(), key=lambda g: g.rank)}
        grade = ui.select(names, value=found["grade"], label=t("grade")).props("outlined")
        asks.append(lambda: {"grade": grade.value})
    if event == "merge":
        into = ui.input(t("d_into")).props("outlined maxlength=200")
        asks.append(lambda: {"into": (into.value or "").strip()})
    if event == "split":
        calls = {c["call_id"]: f"{c['at'][5:16]} {c['text'][:30]}" for c in found["call_list"]}
        chosen = ui.select(calls, multiple=True, value=[], label=t("calls")).props("outlined")
        asks.append(lambda: {"calls": chosen.value})
    if event == "register":
        asks.append(_elements(found))
    note = ui.textarea(t("note")).props("outlined autogrow maxlength=2000")
    asks.append(lambda: {"note": note.value or ""})
    return asks


def _promise(t: Any) -> Ask:
    """One promised act: who, what, until which day (end of that day in the city's time is asked of a person)."""
    who = ui.input(t("d_who")).props("outlined maxlength=80")
    what = ui.input(t("d_what")).props("outlined maxlength=300")
    return lambda: {"acts": [{"who": who.value, "what": what.value}]} if who.value and what.value else {}


def _elements(found: Found) -> Ask:
    known = {row["key"]: row["value"] for row in found["form"]}
    made = {
        key: ui.input(name, value=known.get(key, "")).props("outlined dense maxlength=500")
        for key, name in ELEMENTS.items()
    }
    return lambda: {"elements": {key: field.value for key, field in made.items() if field.value}}
