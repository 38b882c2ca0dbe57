"""Shapes of bodies and answers, for validation and the OpenAPI document."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.loop.notices import order_data, stamp
from engine.model.alert import Alert
from engine.model.city import City
from engine.model.message import LogEntry
from engine.model.order import Event, Order

EventName = Literal[
    "sign", "return", "arrive", "report", "verify", "reject", "call_back", "supplement", "cancel", "reopen", "note"
]
Plain = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]


class Strict(BaseModel):
    """Unknown fields are faults."""

    model_config = ConfigDict(extra="forbid")


class ClassifyBody(Strict):
    """A text to classify; nothing is stored."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class EventBody(Strict):
    """One event on an order."""

    type: EventName
    at: datetime | None = None
    note: Plain = ""
    data: Annotated[
        dict[Annotated[str, Field(max_length=64)], str | bool | int | float | None], Field(max_length=30)
    ] = {}

    @property
    def event(self) -> Event:
        """As the loop names it."""
        return Event(self.type)


class AlertReviewBody(Strict):
    """A second review's verdict."""

    verdict: Literal["confirm", "dismiss"]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class CallReviewBody(Strict):
    """A person's decision on an unsure call."""

    matter: Literal["police", "government", "local"]
    category: Annotated[str, Field(max_length=80)] | None = None
    body: Annotated[str, Field(max_length=80)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=500)]


def order_view(order: Order, city: City, legal: tuple[Event, ...] = ()) -> dict[str, Any]:
    """An order as people and bodies see it (masked)."""
    return order_data(order, city) | {
        "overdue": order.overdue,
        "overdue_count": order.overdue_count,
        "rung": order.rung,
        "alarm_at": stamp(order.alarm_at, city) if order.alarm_at else None,
        "passed": list(order.passed),
        "waiting_for_caller": order.paused_left is not None,
        "result": order.result,
        "entered": {state: stamp(at, city) for state, at in order.entered.items()},
        "legal": [e.value for e in legal],
    }


def line_view(entries: list[LogEntry], city: City) -> list[dict[str, Any]]:
    """A time line."""
    return [{"at": stamp(e.at, city), "what": e.what, "who": e.who, "text": e.text, "data": e.data} for e in entries]


def alert_view(alert: Alert, city: City) -> dict[str, Any]:
    """An alert as people see it."""
    return {
        "alert_id": alert.alert_id,
        "model": alert.model,
        "model_version": alert.model_version,
        "title": alert.title,
        "grade": alert.grade,
        "state": alert.state.value,
        "message": alert.message,
        "reasons": list(alert.reasons),
        "call_ids": list(alert.call_ids),
        "body": alert.body_id,
        "order_id": alert.order_id or None,
        "raised_at": stamp(alert.raised_at, city),
        "review_due": stamp(alert.alarm_at, city) if alert.alarm_at else None,
        "reviewer": alert.reviewer or None,
        "verdict": alert.verdict or None,
        "verdict_reason": alert.verdict_reason or None,
    }
