"""Console room: orders, calls and alerts as short rows for the board. Pure; keys are short because rows are many."""

import re
from dataclasses import dataclass
from typing import Any

from engine.model.alert import Alert
from engine.model.city import City
from engine.model.order import Order

_PHONE = re.compile(r"\d{0,3}\*{3,}\d{0,4}|\d{7,}")
_MOST_TEXT = 110
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A row and the bodies that may see it; the city's own roles see all."""

    row: Row
    eyes: frozenset[str] = frozenset()


def bare(text: str) -> str:
    """Text without the digits that a mask leaves of a number: what a reader may see."""
    return _PHONE.sub("＊＊＊", text)


def order_row(order: Order, city: City) -> Seen:
    """One open order. Instants are ms; `p` is what is left while the clock stands still."""
    due = order.due
    row = {
        "id": order.order_id,
        "v": order.version,
        "st": order.state.value,
        "g": order.grade,
        "m": order.matter.value,
        "c": category_name(order.category, city),
        "b": body_name(order.body_id, city),
        "bid": order.body_id,
        "h": order.handoff.value,
        "s": order.summary[:_MOST_TEXT],
        "o": order.opened_at,
        "d": due.at if due else None,
        "ds": due.step.value if due else "",
        "l": due.length if due else 0,
        "od": order.overdue,
        "rg": order.rung,
        "rt": order.returns,
        "n": len(order.call_ids),
        "a": area_name(order.township or order.district, city),
        "aid": order.township or order.district,
        "x": order.danger,
        "p": order.paused_left,
        "al": order.alert_id,
        "cl": order.call_ids[0] if order.call_ids and not order.alert_id else "",
    }
    return Seen(row, frozenset((order.body_id, *order.joint, *order.passed)))


def call_row(found: dict[str, Any], city: City) -> Row:
    """One decided call, from the store's `{call, outcome}`."""
    call, outcome = found["call"], found["outcome"]
    decision, links = outcome["decision"], outcome["links"]
    place = decision["place"]
    return {
        "id": call["call_id"],
        "at": call["received_at"],
        "ch": call["channel"],
        "s": call["text"][:_MOST_TEXT],
        "m": decision["matter"],
        "c": category_name(decision["category"], city),
        "cf": round(decision["confidence"], 2),
        "x": decision["danger"],
        "rv": decision["review"],
        "g": decision["grade"],
        "h": decision["handoff"],
        "b": body_name(decision["body_id"], city),
        "a": area_name(place["township"] or place["district"], city),
        "sc": links["same_caller"],
        "sp": links["same_place"],
        "dup": links["duplicate_of"],
        "o": outcome["order_id"],
        "al": len(outcome["alert_ids"]),
    }


def alert_row(alert: Alert, city: City) -> Row:
    """One alert. `d` is when a waiting review is escalated."""
    return {
        "id": alert.alert_id,
        "v": alert.version,
        "st": alert.state.value,
        "g": alert.grade,
        "t": alert.title,
        "s": alert.message[:200],
        "ps": alert_words(alert, public=True)[:200],
        "md": alert.model,
        "b": body_name(alert.body_id, city),
        "a": area_name(alert.township or alert.district, city),
        "o": alert.raised_at,
        "d": alert.alarm_at,
        "es": alert.escalations,
        "n": len(alert.call_ids),
        "or": alert.order_id,
    }


def alert_words(alert: Alert, *, public: bool) -> str:
    """The alert's message; `public`: the one the model wrote without addresses and other private fields."""
    return bare(alert.extra.get("public_message", "")) if public else alert.message


def without_personal(row: Row) -> Row:
    """The row as a reader sees it: an alert by its public words, its order by its category."""
    if "ps" in row:
        return row | {"s": row["ps"]}
    if isinstance(row.get("al"), str) and row["al"]:
        return row | {"s": row["c"]}
    return row | {"s": bare(row["s"])}


def category_name(category: str, city: City) -> str:
    """Chinese name; the id when the taxonomy no longer has it."""
    found = city.taxonomy.categories.get(category)
    return found.name if found else category


def body_name(body_id: str, city: City) -> str:
    """Chinese name; the id when the body table no longer has it."""
    body = city.bodies.get(body_id)
    return body.name if body else body_id


def area_name(area_id: str, city: City) -> str:
    """Chinese name; empty when unknown."""
    area = city.areas.get(area_id)
    return area.name if area else area_id
