"""What is written down beside a change of state: messages to bodies and entries of the time line."""

from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from engine.model.call import Instant


class MessageType(StrEnum):
    """Types of outgoing webhooks (CONTRACT.md)."""

    ORDER_SENT = "order.sent"
    ORDER_REMINDER = "order.reminder"
    ORDER_OVERDUE = "order.overdue"
    ORDER_SUPERVISED = "order.supervised"
    ORDER_UPDATED = "order.updated"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_JOINT = "order.joint"
    ORDER_CLOSED = "order.closed"
    ALERT_INSTRUCTION = "alert.instruction"
    ALERT_REVIEW = "alert.review"
    DOSSIER_UPDATED = "dossier.updated"
    DIGEST = "digest.daily"


class Message(Struct, frozen=True):
    """One outgoing webhook. `message_id` is the receiver's constant `webhook-id` over all tries."""

    message_id: str
    city: str
    body_id: str
    type: MessageType
    created_at: Instant
    subject: str
    """Order or alert id."""
    data: dict[str, Any]
    sealed: tuple[str, ...] = ()
    """Ids of the calls whose clear contact goes to the body that must act; opened at sending."""
    trace: str = ""
    """W3C traceparent of the commit that made it, where traces are kept (engine/tracing.py)."""


class LogEntry(Struct, frozen=True):
    """One line of a time line; `seq` order is the order of commits."""

    at: Instant
    subject: str
    """Order, alert, dossier or call id."""
    what: str
    """`call.accepted`, `order.sent`, `order.sign`, `order.overdue`, …"""
    who: str
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
