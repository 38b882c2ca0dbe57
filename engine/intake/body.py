"""The webhook's body: strict shape, every fault named at once, then a masked and sealed `Call`."""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.config import JsonDict

from engine.errors import Fault, Refused
from engine.model.call import Call, Caller, Channel, Contact, Instant, Location

MOST_BODY_BYTES = 64 * 1024
MOST_TEXT = 10_000
"""Characters; a long letter to a mayor's mailbox has a few thousand."""
_MOST_FAULTS = 100
_MOST_EXTRA = 500
_LARGEST = 2**53
_FUTURE_S = 300
_PAST_S = 400 * 86_400
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_BAD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CALL_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"


def _clean(text: str) -> str:
    found = _BAD.search(text)
    if found:
        raise ValueError(f"character {found.start() + 1} is U+{ord(found.group()):04X}, which is not text")
    return text


def _said(text: str) -> str:
    if not any(unicodedata.category(c)[0] != "Z" and unicodedata.category(c) not in ("Cc", "Cf") for c in text):
        raise ValueError("must hold at least one visible character")
    return text


def _written(at: Any) -> Any:
    """Only RFC 3339 text: a bare number or date would be guessed at."""
    if not isinstance(at, str) or not _RFC3339.fullmatch(at):
        raise ValueError("must be an RFC 3339 time with an offset, such as 2026-11-22T08:30:00+08:00")
    return at


def _lately(at: datetime, info: ValidationInfo) -> datetime:
    """Near our clock; `context` is now in milliseconds."""
    ahead = at.timestamp() - (info.context or 0) / 1000
    if info.context and ahead > _FUTURE_S:
        raise ValueError("lies in the future: at most five minutes ahead of our clock")
    if info.context and -ahead > _PAST_S:
        raise ValueError("is more than 400 days old: replay old calls with `fenliu rules backtest`")
    return at


def _plain(value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise ValueError("must be a short text, a number or true/false")
    if isinstance(value, str):
        if len(value) > _MOST_EXTRA:
            raise ValueError(f"must have at most {_MOST_EXTRA} characters")
        return _clean(value)
    if not abs(value) <= _LARGEST:
        raise ValueError("is no number that JSON readers agree on: at most 2^53 either way")
    return value


_CLEAN = {"pattern": r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"}
_SAID = {"allOf": [_CLEAN, {"pattern": r"[^\s\u0000-\u0020\u007f-\u00a0\u00ad]"}]}
_OUR_ID = re.compile(r"[CO][0-9]{8}-[0-9a-f]{16}")
Clean = Annotated[str, AfterValidator(_clean), Field(json_schema_extra=_CLEAN)]
Text = Annotated[
    str,
    Field(min_length=1, max_length=MOST_TEXT, json_schema_extra=_SAID),
    AfterValidator(_clean),
    AfterValidator(_said),
]
Moment = Annotated[datetime, BeforeValidator(_written), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time with its offset."""
Word = Annotated[Clean, Field(max_length=200)]


class _Shape(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class CallerBody(_Shape):
    """Who called, as the call centre knows it."""

    phone: Annotated[Clean, Field(max_length=32)] | None = None
    name: Annotated[Clean, Field(max_length=64)] | None = None
    kind: Annotated[Clean, Field(max_length=32)] | None = None


_BOTH: JsonDict = {"required": ["lat", "lng"], "properties": {"lat": {"type": "number"}, "lng": {"type": "number"}}}
_NEITHER: JsonDict = {"properties": {"lat": {"type": "null"}, "lng": {"type": "null"}}}


class LocationBody(_Shape):
    """Where, as the call centre knows it (WGS-84 degrees)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"anyOf": [_BOTH, _NEITHER]}
    )

    address: Word | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, strict=True)] | None = None
    lng: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, strict=True)] | None = None
    post_id: Annotated[Clean, Field(max_length=64)] | None = None

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.lat is None) != (self.lng is None):
            raise ValueError("lat and lng belong together: send both or neither")
        return self


Value = Annotated[Any, AfterValidator(_plain)]
_VALUES = [
    {"type": "string", "maxLength": _MOST_EXTRA, **_CLEAN},
    {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST},
    {"type": "boolean"},
]
_EXTRA = {
    "type": "object",
    "maxProperties": 50,
    "propertyNames": {"type": "string", "maxLength": 64, **_CLEAN},
    "additionalProperties": {"anyOf": _VALUES},
    "default": {},
}
Extra = Annotated[dict[Annotated[Clean, Field(max_length=64)], Value], Field(max_length=50), WithJsonSchema(_EXTRA)]


class CallBody(_Shape):
    """One call, as `POST /v1/calls` takes it."""

    call_id: Annotated[str, Field(pattern=_CALL_ID)] | None = None
    received_at: Annotated[Moment, AfterValidator(_lately)]
    channel: Channel
    text: Text
    caller: CallerBody = CallerBody()
    location: LocationBody = LocationBody()
    operator: Annotated[Clean, Field(max_length=64)] | None = None
    extra: Extra = {}


@dataclass(frozen=True, slots=True)
class Masking:
    """How people are protected: masks for what is stored readable, a hash for linking, a seal for the rest."""

    text: Callable[[str], str]
    phone: Callable[[str], str]
    name: Callable[[str], str]
    hash_phone: Callable[[str], str]
    seal: Callable[[Contact, str], str]


def parse(body: bytes, now: Instant) -> CallBody:
    """The body's value; raises `Refused` with every fault in it."""
    if len(body) > MOST_BODY_BYTES:
        raise Refused(Fault("body", f"is {len(body)} bytes", f"at most {MOST_BODY_BYTES} are taken"))
    try:
        return CallBody.model_validate_json(body, context=now)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)[:_MOST_FAULTS]
        raise Refused(*map(_fault, found)) from None


def _fault(error: Any) -> Fault:
    where = ".".join(str(part)[:64] for part in error["loc"]) or "body"
    what, _, right = str(error["msg"]).removeprefix("Value error, ").partition(": ")
    return Fault(where, what, right)


def to_call(body: CallBody, webhook_id: str, city: str, masking: Masking) -> Call:
    """The masked call. Its id follows from the webhook id, so that a repeated webhook is the same call."""
    call_id = body.call_id or _id_for(webhook_id, body.received_at)
    phone, name = body.caller.phone or "", body.caller.name or ""
    address = body.location.address or ""
    hide = _hiding(name, masking)
    return Call(
        call_id=call_id,
        city=city,
        received_at=round(body.received_at.timestamp() * 1000),
        channel=body.channel,
        text=hide(body.text),
        caller=Caller(
            hash=masking.hash_phone(phone),
            phone_masked=masking.phone(phone),
            name_masked=masking.name(name),
            kind=hide(body.caller.kind) if body.caller.kind else "",
        ),
        location=Location(
            hide(address) if address else "", body.location.lat, body.location.lng, body.location.post_id or ""
        ),
        operator=body.operator or "",
        extra={name: value if _names_ours(name, value) else _masked(value, hide) for name, value in body.extra.items()},
        sealed=masking.seal(Contact(phone=phone, name=name, text=body.text, address=address), call_id),
    )


def _hiding(name: str, masking: Masking) -> Callable[[str], str]:
    """The mask of readable texts: the caller's own name, which the centre told us, is hidden wherever it is said."""
    name = name.strip()
    if len(name) < 2:
        return masking.text
    hidden = masking.name(name)
    return lambda text: masking.text(text.replace(name, hidden))


def _names_ours(name: str, value: object) -> bool:
    """Whether a field refers to an order or call of ours: its number is nobody's telephone number."""
    return name == "refers_to" and isinstance(value, str) and bool(_OUR_ID.fullmatch(value))


def _masked(value: str | int | float | bool, hide: Callable[[str], str]) -> str | int | float | bool:
    """A value that may be kept readable; a number that reads like a telephone's or an identity card's is one."""
    if isinstance(value, str):
        return hide(value)
    shown = hide(str(value))
    return value if isinstance(value, bool) or shown == str(value) else shown


def _id_for(webhook_id: str, received_at: datetime) -> str:
    digest = hashlib.blake2b(webhook_id.encode(), digest_size=8).hexdigest()
    return f"C{received_at.year:04}{received_at.month:02}{received_at.day:02}-{digest}"
