"""Shapes of bodies and answers, for validation and the OpenAPI document."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from engine.loop.notices import order_data, stamp
from engine.model.alert import Alert
from engine.model.city import City
from engine.model.message import LogEntry
from engine.model.order import Event, Order

EventName = Literal[
    "sign", "return", "arrive", "report", "verify", "reject", "call_back", "supplement", "cancel", "reopen", "note"
]
Plain = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
_OFFSET = re.compile(r"^\d{4}-\d\d-\d\d[Tt ].*([Zz]|[+-]\d\d:\d\d)$", re.ASCII)
_LARGEST = 2**53


class Strict(BaseModel):
    """Unknown fields are faults."""

    model_config = ConfigDict(extra="forbid")


def _bounded(value: str | bool | int | float | None) -> str | bool | int | float | None:
    if isinstance(value, int | float) and not abs(value) <= _LARGEST:
        raise ValueError("is no number that JSON readers agree on: at most 2^53 either way")
    return value


def zoned(at: Any) -> Any:
    """RFC 3339 with an offset; an instant without one would be guessed at."""
    if at is not None and not (isinstance(at, str) and _OFFSET.search(at)):
        raise ValueError("must be an RFC 3339 time with an offset, such as 2026-11-22T08:30:00+08:00")
    return at


_NUMBER = {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}
_SCALAR = {"anyOf": [{"type": "string"}, {"type": "boolean"}, _NUMBER, {"type": "null"}]}
_YES_NO = {name: {"type": "boolean"} for name in ("solved", "waiting")}
_DATA = {
    "type": "object",
    "maxProperties": 30,
    "propertyNames": {"type": "string", "maxLength": 64},
    "properties": _YES_NO,
    "additionalProperties": _SCALAR,
    "default": {},
}
Scalar = Annotated[str | bool | int | float | None, AfterValidator(_bounded)]
Key = Annotated[str, Field(max_length=64)]
ZONED_TIME: dict[str, Any] = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
TIME = WithJsonSchema(ZONED_TIME)


class ClassifyBody(Strict):
    """A text to classify; nothing is stored."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class EventBody(Strict):
    """One event on an order."""

    type: EventName
    at: Annotated[datetime | None, BeforeValidator(zoned), TIME] = None
    note: Plain = ""
    data: Annotated[dict[Key, Scalar], Field(max_length=30), WithJsonSchema(_DATA)] = {}

    @field_validator("data")
    @classmethod
    def _yes_or_no(cls, data: dict[str, Any]) -> dict[str, Any]:
        """`solved: "no"` would close an order that is not solved."""
        for name in ("solved", "waiting"):
            if name in data and not isinstance(data[name], bool):
                raise ValueError(f"{name} must be true or false")
        return data

    @property
    def event(self) -> Event:
        """As the loop names it."""
        return Event(self.type)


class AlertReviewBody(Strict):
    """A second review's verdict."""

    verdict: Literal["confirm", "dismiss"]
    reason: Reason


class AssignBody(Strict):
    """A person's decision who gets a returned order."""

    body: Annotated[str, Field(min_length=1, max_length=80)]
    reason: Reason


class SplitBody(Strict):
    """Why a call was joined wrongly."""

    reason: Reason


class JoinBody(Strict):
    """Which open order a call repeats, and why."""

    order_id: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Reason


class CallReviewBody(Strict):
    """A person's decision on an unsure call."""

    matter: Literal["police", "government", "local"]
    category: Annotated[str, Field(max_length=80)] | None = None
    body: Annotated[str, Field(max_length=80)] | None = None
    reason: Reason


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
        "dossier_id": order.dossier_id or None,
        "entered": {state: stamp(at, city) for state, at in order.entered.items()},
        "legal": [e.value for e in legal],
    }


def line_view(entries: list[LogEntry], city: City) -> list[dict[str, Any]]:
    """A time line."""
    return [{"at": stamp(e.at, city), "what": e.what, "who": e.who, "text": e.text, "data": e.data} for e in entries]


def alert_view(alert: Alert, city: City, *, public: bool = False) -> dict[str, Any]:
    """An alert as people see it; `public`: in the model's words without addresses and other private fields."""
    return {
        "alert_id": alert.alert_id,
        "model": alert.model,
        "model_version": alert.model_version,
        "title": alert.title,
        "grade": alert.grade,
        "state": alert.state.value,
        "message": alert.extra.get("public_message", "") if public else alert.message,
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
