"""The webhook's body: strict shape, every fault named at once, then a masked and sealed `Call`."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from engine.errors import Fault, Refused
from engine.model.call import Call, Caller, Channel, Contact, Instant, Location

MOST_BODY_BYTES = 64 * 1024
MOST_TEXT = 10_000
"""Characters; a long letter to a mayor's mailbox has a few thousand."""
_FUTURE = timedelta(minutes=5)
_PAST = timedelta(days=400)
_BAD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CALL_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"


def _clean(text: str) -> str:
    found = _BAD.search(text)
    if found:
        raise ValueError(f"character {found.start() + 1} is U+{ord(found.group()):04X}, which is not text")
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must hold at least one visible character")
    return text


def _zoned(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("needs an offset, such as 2026-11-22T08:30:00+08:00")
    return at


Clean = Annotated[str, AfterValidator(_clean)]
Text = Annotated[str, Field(min_length=1, max_length=MOST_TEXT), AfterValidator(_clean), AfterValidator(_said)]
Word = Annotated[str, Field(max_length=200), AfterValidator(_clean)]


class _Shape(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class CallerBody(_Shape):
    """Who called, as the call centre knows it."""

    phone: Annotated[str, Field(max_length=32), AfterValidator(_clean)] | None = None
    name: Annotated[str, Field(max_length=64), AfterValidator(_clean)] | None = None
    kind: Annotated[str, Field(max_length=32), AfterValidator(_clean)] | None = None


class LocationBody(_Shape):
    """Where, as the call centre knows it (WGS-84 degrees)."""

    address: Word | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    lng: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    post_id: Annotated[str, Field(max_length=64), AfterValidator(_clean)] | None = None


Extra = Annotated[dict[Annotated[str, Field(max_length=64), AfterValidator(_clean)], Any], Field(max_length=50)]


class CallBody(_Shape):
    """One call, as `POST /v1/calls` takes it."""

    call_id: Annotated[str, Field(pattern=_CALL_ID)] | None = None
    received_at: Annotated[datetime, AfterValidator(_zoned)]
    channel: Channel
    text: Text
    caller: CallerBody = CallerBody()
    location: LocationBody = LocationBody()
    operator: Annotated[str, Field(max_length=64), AfterValidator(_clean)] | None = None
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
        parsed = CallBody.model_validate_json(body)
    except ValidationError as error:
        raise Refused(*(_fault(e) for e in error.errors(include_input=False, include_url=False))) from None
    faults = list(_senseless(parsed, now))
    if faults:
        raise Refused(*faults)
    return parsed


def _fault(error: Any) -> Fault:
    where = ".".join(str(part) for part in error["loc"]) or "body"
    return Fault(where, str(error["msg"]).removeprefix("Value error, "))


def _senseless(body: CallBody, now: Instant) -> list[Fault]:
    faults = []
    ahead = body.received_at.timestamp() - now / 1000
    if ahead > _FUTURE.total_seconds():
        faults.append(Fault("received_at", "lies in the future", "at most five minutes ahead of our clock"))
    if -ahead > _PAST.total_seconds():
        faults.append(
            Fault("received_at", "is more than 400 days old", "import old calls with `fenliu rules backtest`")
        )
    if (body.location.lat is None) != (body.location.lng is None):
        faults.append(Fault("location", "lat and lng belong together", "send both or neither"))
    for name, value in body.extra.items():
        if not isinstance(value, str | int | float | bool) or (isinstance(value, str) and len(value) > 500):
            faults.append(Fault(f"extra.{name}", "must be a short text, a number or true/false"))
        elif isinstance(value, str) and _BAD.search(value):
            faults.append(Fault(f"extra.{name}", "holds characters that are not text"))
    return faults


def to_call(body: CallBody, webhook_id: str, city: str, masking: Masking) -> Call:
    """The masked call. Its id follows from the webhook id, so that a repeated webhook is the same call."""
    call_id = body.call_id or _id_for(webhook_id, body.received_at)
    phone, name = body.caller.phone or "", body.caller.name or ""
    address = body.location.address or ""
    return Call(
        call_id=call_id,
        city=city,
        received_at=round(body.received_at.timestamp() * 1000),
        channel=body.channel,
        text=masking.text(body.text),
        caller=Caller(
            hash=masking.hash_phone(phone),
            phone_masked=masking.phone(phone),
            name_masked=masking.name(name),
            kind=body.caller.kind or "",
        ),
        location=Location(masking.text(address), body.location.lat, body.location.lng, body.location.post_id or ""),
        operator=body.operator or "",
        extra={k: masking.text(v) if isinstance(v, str) else v for k, v in body.extra.items()},
        sealed=masking.seal(Contact(phone=phone, name=name, text=body.text, address=address), call_id),
    )


def _id_for(webhook_id: str, received_at: datetime) -> str:
    digest = hashlib.blake2b(webhook_id.encode(), digest_size=8).hexdigest()
    return f"C{received_at:%Y%m%d}-{digest}"
