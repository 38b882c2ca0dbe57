"""The daily digest 每日通报: what is overdue, returned, opened and closed, for each body and for its superior. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.model.city import City
from engine.model.message import LogEntry
from engine.model.order import Order

MOST_NAMED = 20
"""Overdue orders named one by one; the rest is a number."""
_COUNTED = {"order.sent": "opened", "order.closed": "closed", "order.return": "returned"}


@dataclass(slots=True)
class Digest:
    """The day of one body, and of those below it."""

    counts: Counter[str] = field(default_factory=Counter)
    overdue: list[Order] = field(default_factory=list)
    below: Counter[str] = field(default_factory=Counter)
    """Body below → its overdue orders."""


def digests(entries: Iterable[LogEntry], overdue: Iterable[Order], city: City) -> dict[str, Digest]:
    """Body → its digest; bodies with nothing to say are left out.

    A return is counted with the body that returned. The leader has the whole city.
    """
    found: dict[str, Digest] = {}
    leader = city.leader_body or city.command_body

    def of(body: str) -> Digest:
        return found.setdefault(body, Digest())

    for entry in entries:
        what, body = _COUNTED.get(entry.what), _whose(entry)
        if what and body in city.bodies:
            for each in {body, leader}:
                of(each).counts[what] += 1
    for order in sorted(overdue, key=lambda o: o.due.at if o.due else 0):
        if order.body_id in city.bodies:
            for each in {order.body_id, leader}:
                of(each).overdue.append(order)
            for above in {city.bodies[order.body_id].parent, leader} - {"", order.body_id}:
                of(above).below[order.body_id] += 1
    return found


def _whose(entry: LogEntry) -> str:
    """The body an entry speaks of: who was sent it, who returned it, who held it."""
    name = {"order.sent": "to", "order.return": "from"}.get(entry.what, "body")
    return str(entry.data.get(name) or entry.data.get("body", ""))


def digest_data(digest: Digest, day: str, city: City, stamps: Mapping[str, str]) -> dict[str, Any]:
    """What the message says; `stamps` are due times by order id."""
    counts = {name: digest.counts[name] for name in ("opened", "closed", "returned")}
    below = [
        {"body": body, "name": city.bodies[body].name, "overdue": n}
        for body, n in digest.below.most_common()
        if body in city.bodies
    ]
    return {
        "date": day,
        **counts,
        "overdue": len(digest.overdue),
        "overdue_orders": [_named(order, city, stamps) for order in digest.overdue[:MOST_NAMED]],
        "below": below,
        "text": (
            f"{day} 通报：新收 {counts['opened']} 件，办结 {counts['closed']} 件，退回 {counts['returned']} 件，"
            f"当前超时 {len(digest.overdue)} 件" + (f"，下级单位超时 {sum(digest.below.values())} 件" if below else "")
        ),
    }


def _named(order: Order, city: City, stamps: Mapping[str, str]) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "body": order.body_id,
        "name": city.bodies[order.body_id].name,
        "step": order.due.step.value if order.due else "",
        "due": stamps.get(order.order_id, ""),
        "grade": order.grade,
        "rung": order.rung,
    }
