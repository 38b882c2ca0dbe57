"""What figures need of one call, order or alert, as flat columns; worked out once from the record and its time line.

The same columns stand in the history's files and beside what is still in the store, so that a figure has one
definition whatever its range. Instants are milliseconds since 1970 UTC, lengths milliseconds, days the city's
local dates. A step's instant is when the body says it happened, if that could be true (`said_at`), else when it was
written down.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.alert import Alert
from engine.model.call import Instant
from engine.model.city import City, StepRule
from engine.model.message import LogEntry
from engine.model.order import FINAL_STATES, Event, Order

CALL: dict[str, str] = {
    "id": "text",
    "at": "int",
    "day": "text",
    "channel": "text",
    "matter": "text",
    "category": "text",
    "handoff": "text",
    "review": "bool",
    "danger": "bool",
    "joined": "bool",
    "confidence": "float",
    "order_id": "text",
    "body": "text",
    "tier": "text",
    "district": "text",
    "township": "text",
    "community": "text",
    "address": "text",
    "lat": "float",
    "lng": "float",
    "caller": "text",
    "final_matter": "text",
    "final_category": "text",
}
"""Columns of a call. `final_*` is what its order says in the end; empty when it has none of its own."""

ORDER: dict[str, str] = {
    "id": "text",
    "at": "int",
    "day": "text",
    "version": "int",
    "state": "text",
    "closed": "int",
    "procedure": "text",
    "matter": "text",
    "category": "text",
    "dispute": "bool",
    "grade": "text",
    "danger": "bool",
    "body": "text",
    "tier": "text",
    "district": "text",
    "township": "text",
    "alert_id": "text",
    "calls": "int",
    "sent": "int",
    "signed": "int",
    "arrived": "int",
    "reported": "int",
    "sign_ms": "int",
    "arrive_ms": "int",
    "report_ms": "int",
    "sign_late": "bool",
    "overdue": "int",
    "returns": "int",
    "returned_by": "texts",
    "rejects": "int",
    "call_back_due": "bool",
    "called_back": "bool",
    "solved": "bool",
    "satisfied": "bool",
}
"""Columns of an order. Unknown instants, lengths and answers are null."""

ALERT: dict[str, str] = {
    "id": "text",
    "at": "int",
    "day": "text",
    "version": "int",
    "state": "text",
    "model": "text",
    "grade": "text",
    "verdict": "text",
    "issued": "int",
    "visit_ms": "int",
    "body": "text",
    "district": "text",
    "township": "text",
    "order_id": "text",
}
"""Columns of an alert. `visit_ms` is from the instruction to the arrival (or report, where nobody arrives)."""

COLUMNS = {"call": CALL, "order": ORDER, "alert": ALERT}
Facts = dict[str, Any]


def day_of(at: Instant, tz: str) -> str:
    """The local date, `2026-11-22`."""
    return f"{datetime.fromtimestamp(at / 1000, ZoneInfo(tz)):%Y-%m-%d}"


def of_call(stored: dict[str, Any], order: Order | None, city: City) -> Facts:
    """Columns of a decided call {call, outcome}; `order` is the one it ended in."""
    call, outcome = stored["call"], stored["outcome"]
    decision, place = outcome["decision"], outcome["reading"]["place"]
    own = order if order is not None and not outcome["joined"] else None
    return {
        "id": call["call_id"],
        "at": call["received_at"],
        "day": day_of(call["received_at"], city.tz),
        "channel": call["channel"],
        "matter": decision["matter"],
        "category": decision["category"],
        "handoff": decision["handoff"],
        "review": decision["review"],
        "danger": decision["danger"],
        "joined": outcome["joined"],
        "confidence": decision["confidence"],
        "order_id": outcome["order_id"],
        "body": decision["body_id"],
        "tier": _tier(decision["body_id"], city),
        "district": place["district"],
        "township": place["township"],
        "community": place["community"],
        "address": place["address_key"].partition(":")[2],
        "lat": place["lat"],
        "lng": place["lng"],
        "caller": call["caller"]["hash"],
        "final_matter": own.matter.value if own else "",
        "final_category": own.category if own else "",
    }


def of_order(order: Order, line: Sequence[LogEntry], city: City) -> Facts:
    """Columns of an order from its value and its time line."""
    first = _first_instants(line)
    sent, signed, arrived, reported = (first.get(w) for w in ("sent", "sign", "arrive", "report"))
    calling = [e for e in line if e.what == "order.call_back"]
    closed = order.entered.get(order.state.value) if order.state in FINAL_STATES else None
    return {
        "id": order.order_id,
        "at": order.opened_at,
        "day": day_of(order.opened_at, city.tz),
        "version": order.version,
        "state": order.state.value,
        "closed": closed,
        "procedure": order.procedure,
        "matter": order.matter.value,
        "category": order.category,
        "dispute": _is_dispute(order, city),
        "grade": order.grade,
        "danger": order.danger,
        "body": order.body_id,
        "tier": _tier(order.body_id, city),
        "district": order.district,
        "township": order.township,
        "alert_id": order.alert_id,
        "calls": len(order.call_ids),
        "sent": sent,
        "signed": signed,
        "arrived": arrived,
        "reported": reported,
        "sign_ms": _length(sent, signed),
        "arrive_ms": _length(signed, arrived),
        "report_ms": _length(arrived if arrived is not None else signed, reported),
        "sign_late": any(e.what == "order.overdue" and e.data.get("step") == "sign" for e in line),
        "overdue": sum(e.what == "order.overdue" for e in line),
        "returns": sum(e.what == "order.return" for e in line),
        "returned_by": list(order.passed),
        "rejects": sum(e.what == "order.reject" for e in line),
        "call_back_due": any(s.step is Event.CALL_BACK for s in _steps(order, city)),
        "called_back": bool(calling),
        "solved": _answer(calling, "solved"),
        "satisfied": _answer(calling, "satisfied"),
    }


def of_alert(alert: Alert, line: Sequence[LogEntry], order_line: Sequence[LogEntry], city: City) -> Facts:
    """Columns of an alert from its value, its time line and its instruction's."""
    issued = next((e.at for e in line if e.what == "alert.instructed"), None)
    first = _first_instants(order_line)
    return {
        "id": alert.alert_id,
        "at": alert.raised_at,
        "day": day_of(alert.raised_at, city.tz),
        "version": alert.version,
        "state": alert.state.value,
        "model": alert.model,
        "grade": alert.grade,
        "verdict": alert.verdict,
        "issued": issued,
        "visit_ms": _length(issued, first.get("arrive", first.get("report"))),
        "body": alert.body_id,
        "district": alert.district,
        "township": alert.township,
        "order_id": alert.order_id,
    }


def _first_instants(line: Iterable[LogEntry]) -> dict[str, Instant]:
    """Step → the instant it was done first."""
    found: dict[str, Instant] = {}
    for each in line:
        kind, _, what = each.what.partition(".")
        if kind == "order":
            said = each.data.get("said_at", each.at)
            found.setdefault(what, said if isinstance(said, int) else each.at)
    return found


def _length(start: Instant | None, end: Instant | None) -> int | None:
    return end - start if start is not None and end is not None and end >= start else None


def _answer(calling: Sequence[LogEntry], name: str) -> bool | None:
    """The last call-back's answer; None when it did not say."""
    said = calling[-1].data.get(name) if calling else None
    return said if isinstance(said, bool) else None


def _tier(body: str, city: City) -> str:
    return city.bodies[body].tier.value if body in city.bodies else ""


def _steps(order: Order, city: City) -> tuple[StepRule, ...]:
    return city.procedures[order.procedure].steps if order.procedure in city.procedures else ()


def _is_dispute(order: Order, city: City) -> bool:
    known = city.taxonomy.categories.get(order.category)
    return known is not None and known.family == "dispute"
