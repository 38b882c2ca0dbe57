"""Messages and log entries of the loop: what bodies are sent and what the time line says."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.alert import Alert
from engine.model.call import Instant
from engine.model.city import City
from engine.model.message import LogEntry, Message, MessageType
from engine.model.order import Order

SYSTEM = "fenliu"


def stamp(at: Instant, city: City) -> str:
    """RFC 3339 with the city's offset, to the millisecond."""
    return datetime.fromtimestamp(at / 1000, ZoneInfo(city.tz)).isoformat(timespec="milliseconds")


def superior(city: City, body_id: str) -> str:
    """The body above; the command centre above a body without one."""
    body = city.bodies.get(body_id)
    return body.parent if body and body.parent else city.command_body


def order_data(order: Order, city: City) -> dict[str, Any]:
    """What every message about an order carries (masked)."""
    body = city.bodies.get(order.body_id)
    category = city.taxonomy.categories.get(order.category)
    unit = city.units.get(order.unit_id)
    return {
        "order_id": order.order_id,
        "version": order.version,
        "state": order.state,
        "procedure": order.procedure,
        "matter": order.matter,
        "category": order.category,
        "category_name": category.name if category else order.category,
        "grade": order.grade,
        "danger": order.danger,
        "handoff": order.handoff,
        "body": {"id": order.body_id, "name": body.name if body else order.body_id},
        "unit": {"id": unit.id, "name": unit.name, "body": unit.body, "phone": unit.phone} if unit else None,
        "summary": order.summary,
        "area": {"district": order.district, "township": order.township, "community": order.community},
        "opened_at": stamp(order.opened_at, city),
        "due": {"step": order.due.step, "at": stamp(order.due.at, city)} if order.due else None,
        "calls": len(order.call_ids),
        "call_ids": list(order.call_ids),
        "alert_id": order.alert_id or None,
        "returns": order.returns,
    }


def notice(order: Order, city: City, kind: MessageType, to: str, now: Instant, n: int, **more: Any) -> Message:
    """One message about an order. `n` tells messages of one version apart: the id is the same over all tries."""
    acts = kind in (MessageType.ORDER_SENT, MessageType.ALERT_INSTRUCTION, MessageType.ORDER_JOINT)
    return Message(
        message_id=f"msg_{order.order_id}_{order.version}_{n}",
        city=order.city,
        body_id=to,
        type=kind,
        created_at=now,
        subject=order.order_id,
        data=order_data(order, city) | more,
        sealed=order.call_ids if acts else (),
    )


def alert_notice(alert: Alert, city: City, to: str, now: Instant, n: int, **more: Any) -> Message:
    """One message that asks for a second review of an alert."""
    data = {
        "alert_id": alert.alert_id,
        "model": alert.model,
        "title": alert.title,
        "grade": alert.grade,
        "state": alert.state.value,
        "message": alert.message,
        "reasons": list(alert.reasons),
        "call_ids": list(alert.call_ids),
        "raised_at": stamp(alert.raised_at, city),
    }
    return Message(
        message_id=f"msg_{alert.alert_id}_{alert.version}_{n}",
        city=alert.city,
        body_id=to,
        type=MessageType.ALERT_REVIEW,
        created_at=now,
        subject=alert.alert_id,
        data=data | more,
    )


def entry(order: Order, what: str, who: str, now: Instant, text: str = "", /, **data: Any) -> LogEntry:
    """One line of an order's time line. What somebody sent along never hides holder, version and state."""
    kept = {**data, "body": order.body_id, "version": order.version, "state": order.state}
    return LogEntry(at=now, subject=order.order_id, what=f"order.{what}", who=who, text=text, data=kept)


def alert_entry(alert: Alert, what: str, who: str, now: Instant, text: str = "", **data: Any) -> LogEntry:
    """One line of an alert's time line."""
    kept = {"model": alert.model, "version": alert.version, "state": alert.state.value, "grade": alert.grade}
    return LogEntry(at=now, subject=alert.alert_id, what=f"alert.{what}", who=who, text=text, data=kept | data)
