"""A call as it was taken: what the call centre sent, after masking, before anybody decided anything."""

from enum import StrEnum

from msgspec import Struct, field

Instant = int
"""Milliseconds since 1970-01-01T00:00:00Z."""


class Channel(StrEnum):
    """Where a call came in (DOMAIN M12: intake is not only telephone)."""

    POLICE_LINE = "110"
    GOVERNMENT_LINE = "12345"
    WEB = "web"
    APP = "app"
    ALARM_POST = "alarm_post"
    OTHER = "other"


class Caller(Struct, frozen=True):
    """Who called, in the form that may be kept: a keyed hash for linking, a mask for people's eyes."""

    hash: str = ""
    """Keyed hash of the normalised phone number; empty when no number is known."""
    phone_masked: str = ""
    name_masked: str = ""
    kind: str = ""
    """What the call centre says about the caller: `rider`, `shopkeeper`, `volunteer`, …"""


class Location(Struct, frozen=True):
    """Where, as the call centre knows it; degrees are WGS-84."""

    address: str = ""
    lat: float | None = None
    lng: float | None = None
    post_id: str = ""


class Call(Struct, frozen=True):
    """One call. `text` is already masked; the clear text of personal data travels in `sealed`."""

    call_id: str
    city: str
    received_at: Instant
    channel: Channel
    text: str
    caller: Caller = field(default_factory=Caller)
    location: Location = field(default_factory=Location)
    operator: str = ""
    extra: dict[str, str | int | float | bool] = field(default_factory=dict)
    sealed: str = ""
    """Encrypted contact (phone, name, clear text) for the body that must act; opened only at delivery."""


class Contact(Struct, frozen=True):
    """Clear personal data of one call: sealed while stored, opened only for the body that must act."""

    phone: str = ""
    name: str = ""
    text: str = ""
    address: str = ""
