"""What is left of a record when its words and persons are erased: figures stay, nobody can be known from it. Pure."""

from typing import Any

from engine.model.alert import Alert
from engine.model.dossier import DisputeCall, Dossier
from engine.model.message import LogEntry, Message
from engine.model.order import Order
from engine.model.values import replace

ERASED = "（已按规定删除）"
"""Stands where words stood."""
_TOLD = frozenset(
    {"order_id", "alert_id", "dossier_id", "version", "state", "procedure", "matter", "category", "category_name"}
    | {"grade", "danger", "handoff", "body", "area", "opened_at", "raised_at", "due", "calls", "call_ids", "returns"}
    | {"model", "step", "rung", "event"}
)
"""What a message still says."""
_KEPT = frozenset({"body", "version", "state", "grade", "model", "step", "at", "rung", "solved", "satisfied", "type"})


def call(stored: dict[str, Any]) -> dict[str, Any]:
    """A stored call {call, outcome, …} without words, caller, contact and address; place by area stays."""
    outcome = stored.get("outcome")
    bare = {**stored["call"], "text": ERASED, "sealed": "", "extra": {}, "operator": ""}
    bare["caller"] = {"hash": "", "phone_masked": "", "name_masked": "", "kind": ""}
    bare["location"] = {"address": "", "lat": None, "lng": None, "post_id": ""}
    if outcome:
        place = {**outcome["reading"]["place"], "address_key": "", "lat": None, "lng": None}
        reading = {**outcome["reading"], "place": place}
        decision = {**outcome["decision"], "place": {**outcome["decision"]["place"], **place}}
        outcome = {**outcome, "reading": reading, "decision": decision}
    return {**stored, "call": bare, **({"outcome": outcome} if outcome else {})}


def order(found: Order) -> Order:
    """An order without what was said and reported."""
    return replace(found, summary=ERASED, result="", lat=None, lng=None)


def alert(found: Alert) -> Alert:
    """An alert without its words."""
    return replace(found, message=ERASED, reasons=())


def dossier(found: Dossier, callers: frozenset[str] | None = None) -> Dossier:
    """A dossier without words and persons; with `callers` (keyed hashes) without those callers' calls' words only."""
    calls = tuple(_dispute_call(c) if callers is None or c.caller in callers else c for c in found.calls)
    if callers is not None:
        return replace(found, calls=calls, title=ERASED, elements=None)
    return replace(
        found,
        calls=calls,
        title=ERASED,
        elements=None,
        place_key="",
        mediations=tuple(replace(e, by="", note="") for e in found.mediations),
        agreements=tuple(replace(e, by="", note="") for e in found.agreements),
        visits=tuple(replace(e, by="", note="") for e in found.visits),
        call_backs=tuple(replace(e, by="", note="") for e in found.call_backs),
        acts=tuple(replace(a, who="", what="") for a in found.acts),
    )


def _dispute_call(found: DisputeCall) -> DisputeCall:
    return replace(
        found, text=ERASED, caller="", phone_masked="", name_masked="", address_key="", spot="", location="", amount=0.0
    )


def message(found: Message) -> Message:
    """A message that still waits: which case and how it stands; no words, and no contact to be opened at sending."""
    kept = {name: value for name, value in found.data.items() if name in _TOLD}
    return replace(found, data=kept | {"summary": ERASED}, sealed=())


def line(entries: list[LogEntry]) -> list[LogEntry]:
    """A time line without words: what happened, when, by which body or token."""
    return [replace(e, text="", data={k: v for k, v in e.data.items() if k in _KEPT}) for e in entries]
