"""Accepting a call: one function call makes it durable, counts its windows and finds its links."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct, field

from engine.errors import NotFound, Replayed, Taken
from engine.model.alert import MOST_READ, WindowEntry, WindowQuery
from engine.model.call import Call, Instant
from engine.model.city import LinkRules
from engine.model.message import LogEntry
from engine.model.units import FreeUnit
from engine.store import units
from engine.store.client import Client
from engine.store.codec import packed
from engine.store.keys import key

_calls = msgspec.json.Decoder(Call)
_SLACK_MS = 300_000
"""Calls up to five minutes later in event time count too: two centres' clocks are never quite alike."""


class LinkFacts(Struct, frozen=True):
    """What later calls need to know of this one to be tied to it; kept beside the call."""

    category: str
    group: str
    text: str
    address_key: str = ""
    township: str = ""
    caller: str = ""
    lat: float | None = None
    lng: float | None = None
    danger: bool = False
    kinds: tuple[tuple[str, float], ...] = ()
    concepts: tuple[str, ...] = ()
    address: str = ""


_links = msgspec.json.Decoder(LinkFacts)


class Candidate(Struct, frozen=True):
    """An earlier call that may be about the same thing."""

    call_id: str
    at: Instant
    order_id: str
    """Order it ended in; empty when it needed none."""
    undecided: bool
    """It was accepted but not decided yet."""
    seq: int
    """Calls are numbered as they are accepted: the later one sees the earlier one, never the other way round."""
    facts: LinkFacts | None


class Status(StrEnum):
    """How the store took a call."""

    NEW = "new"
    SAME = "same"
    """Accepted before; `answer` is set once it was decided."""


class Accepted(Struct, frozen=True):
    """What the store answers to an accepted call."""

    status: Status
    answer: bytes = b""
    seq: int = 0
    same_caller: int = 0
    same_place: int = 0
    caller_ids: tuple[str, ...] = ()
    place_ids: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    """Calls near in time of this caller, this place, or (for a call with coordinates) of this township and kind."""
    windows: Mapping[str, tuple[WindowEntry, ...]] = field(default_factory=dict)
    cooldowns: Mapping[str, Instant] = field(default_factory=dict)
    free: tuple[FreeUnit, ...] | None = None
    """Free units near it, nearest first; None when nobody asked."""


def _link_lists(facts: LinkFacts, rules: LinkRules) -> list[dict[str, Any]]:
    hours, minutes = 3_600_000, 60_000
    return [
        _list("by:caller:", facts.caller, rules.caller_days * 24 * hours, 20),
        _list("by:place:", facts.address_key, rules.place_hours * hours, 20),
        _list("by:near:", _near(facts), rules.duplicate_minutes * minutes, 40, listed=False),
    ]


def _near(facts: LinkFacts) -> str:
    """Calls of one township and one kind of matter: those whose distance decides, so only calls with coordinates."""
    located = facts.township and facts.lat is not None and facts.lng is not None
    return f"{facts.township}:{facts.category.partition('.')[0]}" if located else ""


def _list(prefix: str, name: str, length: int, limit: int, *, listed: bool = True) -> dict[str, Any]:
    key = prefix + name if name else ""
    return {"key": key, "length": length, "limit": limit, "slack": _SLACK_MS, "listed": listed}


async def accept(
    client: Client,
    call: Call,
    *,
    hook: str,
    digest: str,
    facts: LinkFacts,
    rules: LinkRules,
    windows: tuple[WindowQuery, ...],
    cooldowns: tuple[str, ...],
    now: Instant,
    redo: bool = False,
    send: bool = False,
) -> Accepted:
    """Make `call` durable and answer its links and windows.

    The same webhook id and digest again answers `SAME`; with another digest raises `Replayed`, and a
    call id that another webhook used raises `Taken`. `redo` repeats the look-up for a call that is
    durable already (recovery); windows and links are sets, so nothing is counted twice. `send` asks for free
    units near the point of `facts`, in the same trip.
    """
    entry = LogEntry(call.received_at, call.call_id, "call.accepted", call.operator or str(call.channel))
    answer = await client.call(
        "accept",
        call.city,
        id=call.call_id,
        body=packed({"call": call, "hook": hook, "digest": digest}),
        link=packed(facts),
        hook=hook,
        digest=digest,
        at=call.received_at,
        now=now,
        redo=redo,
        links=_link_lists(facts, rules),
        near_ms=rules.duplicate_minutes * 60_000,
        windows=_queries(windows),
        cooldowns=cooldowns,
        near=units.near(facts.lat, facts.lng) if send else None,
        entry={"json": packed(entry), "subject": call.call_id, "line": True},
    )
    return _read(answer, windows, cooldowns)


def _queries(windows: tuple[WindowQuery, ...]) -> list[dict[str, Any]]:
    return [
        {
            "key": q.key,
            "member": q.member,
            "at": q.at,
            "length": q.length,
            "limit": q.limit,
            "buckets": q.buckets,
            "measure": q.measure,
            "least": q.least,
            "fewest": q.fewest,
            "most": MOST_READ,
        }
        for q in windows
    ]


async def ask(
    client: Client, city: str, windows: tuple[WindowQuery, ...], cooldowns: tuple[str, ...]
) -> tuple[dict[str, tuple[WindowEntry, ...]], dict[str, Instant]]:
    """Windows and cool-downs for an event that is no call; members that are given are added."""
    answer = await client.call("ask", city, windows=_queries(windows), cooldowns=cooldowns)
    return _windows(windows, answer[0]), _cooldowns(cooldowns, answer[1])


def _windows(windows: tuple[WindowQuery, ...], found: list[Any]) -> dict[str, tuple[WindowEntry, ...]]:
    answered = zip(windows, found, strict=True)
    return {q.key: _entries(rows)[:: -1 if q.buckets else 1] for q, rows in answered}


def _cooldowns(keys: tuple[str, ...], found: list[bytes]) -> dict[str, Instant]:
    return {k: int(v) for k, v in zip(keys, found, strict=True) if v}


def _read(answer: list[Any], windows: tuple[WindowQuery, ...], cooldowns: tuple[str, ...]) -> Accepted:
    status = answer[0].decode()
    if status == "other":
        raise Replayed("this webhook-id was used before with another body; send a new id for a new call")
    if status == "taken":
        raise Taken("this call_id belongs to a call that came under another webhook-id")
    if answer[1]:
        return Accepted(Status.SAME, answer=answer[1])
    return Accepted(
        status=Status(status),
        same_caller=int(answer[2]),
        same_place=int(answer[3]),
        caller_ids=_texts(answer[4]),
        place_ids=_texts(answer[5]),
        candidates=tuple(_candidate(c) for c in answer[6]),
        windows=_windows(windows, answer[7]),
        cooldowns=_cooldowns(cooldowns, answer[8]),
        free=units.free_units(answer[9]),
        seq=int(answer[10]),
    )


def _texts(values: list[bytes]) -> tuple[str, ...]:
    return tuple(v.decode() for v in values)


def _candidate(row: list[bytes]) -> Candidate:
    call_id, at, link, order, seq = row
    waits = order == b"?"
    facts = _links.decode(link) if link else None
    return Candidate(call_id.decode(), int(at or 0), "" if waits else order.decode(), waits, int(seq), facts)


def _entries(flat: list[bytes]) -> tuple[WindowEntry, ...]:
    """Oldest first; the server answers newest first so that a limit keeps the newest."""
    pairs = zip(reversed(flat[1::2]), reversed(flat[::2]), strict=True)
    return tuple([WindowEntry(int(at), member.decode()) for at, member in pairs])


class StoredCall(Struct, frozen=True):
    """A call as the store holds it."""

    call: Call
    hook: str
    digest: str
    status: str
    tries: int
    order_id: str
    outcome: bytes
    answer: bytes


async def load(client: Client, city: str, call_id: str) -> StoredCall:
    """One call; raises `NotFound`."""
    names = ("body", "status", "tries", "order", "outcome", "answer")
    found = await client.read("HMGET", key(city, "call", call_id), *names)
    if not found[0]:
        raise NotFound(f"no call {call_id} in this city")
    body = msgspec.json.decode(found[0])
    return StoredCall(
        call=msgspec.convert(body["call"], Call),
        hook=body["hook"],
        digest=body["digest"],
        status=(found[1] or b"").decode(),
        tries=int(found[2] or 0),
        order_id=(found[3] or b"").decode(),
        outcome=found[4] or b"",
        answer=found[5] or b"",
    )
