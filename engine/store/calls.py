"""Accepting a call: one function call makes it durable, counts its windows and finds its links."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct, field

from engine.errors import NotFound, Replayed, Taken
from engine.model.alert import WindowEntry, WindowQuery
from engine.model.call import Call, Instant
from engine.model.city import LinkRules
from engine.model.message import LogEntry
from engine.model.units import FreeUnit
from engine.store import units
from engine.store.client import Client
from engine.store.codec import row, to_bytes
from engine.store.keys import key

_calls = msgspec.json.Decoder(Call)
_HOUR_MS = 3_600_000
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


def _link_lists(facts: LinkFacts, rules: LinkRules) -> tuple[bytes, bytes, bytes]:
    """Of its caller, its place and its neighbourhood: name of the list, length, limit, whether its calls are listed."""
    return (
        _list("by:caller:", facts.caller, rules.caller_days * 24 * _HOUR_MS, 20),
        _list("by:place:", facts.address_key, rules.place_hours * _HOUR_MS, 20),
        _list("by:near:", _near(facts), rules.duplicate_minutes * 60_000, 40, listed=False),
    )


def _near(facts: LinkFacts) -> str:
    """Calls of one township and one kind of matter: those whose distance decides, so only calls with coordinates."""
    located = facts.township and facts.lat is not None and facts.lng is not None
    return f"{facts.township}:{facts.category.partition('.')[0]}" if located else ""


def _list(prefix: str, name: str, length: int, limit: int, *, listed: bool = True) -> bytes:
    return row(prefix + name, length, limit, listed) if name else row("")


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
    near = units.near(facts.lat, facts.lng) if send else None
    answer = await client.run(
        "accept",
        call.city,
        row(call.call_id, hook, digest, call.received_at, now, redo, _SLACK_MS, rules.duplicate_minutes * 60_000, near),
        to_bytes({"call": call, "hook": hook, "digest": digest}),
        to_bytes(facts),
        to_bytes(entry),
        row(*cooldowns),
        *_link_lists(facts, rules),
        *map(_query, windows),
    )
    return _read(_replies.decode(answer), windows, cooldowns)


def _query(q: WindowQuery) -> bytes:
    if not q.limit:
        return row(q.key, q.member, q.at, q.length, _kept(q))
    return row(q.key, q.member, q.at, q.length, _kept(q), q.limit, q.measure, q.least, q.fewest, *q.buckets)


def _kept(q: WindowQuery) -> int:
    """How long a window's events are kept, ms: a day longer than any question looks back."""
    return max(q.length * 2, q.at - q.buckets[-1] if q.buckets else 0, _HOUR_MS) + 24 * _HOUR_MS


async def ask(
    client: Client, city: str, windows: tuple[WindowQuery, ...], cooldowns: tuple[str, ...]
) -> tuple[dict[str, tuple[WindowEntry, ...]], dict[str, Instant]]:
    """Windows and cool-downs for an event that is no call; members that are given are added."""
    answer = await client.run("ask", city, row(*cooldowns), *map(_query, windows))
    found, until = msgspec.msgpack.decode(answer)
    return _windows(windows, found), _cooldowns(cooldowns, until)


def _windows(windows: tuple[WindowQuery, ...], found: list[Any]) -> dict[str, tuple[WindowEntry, ...]]:
    answered = zip(windows, found, strict=True)
    return {q.key: _numbers(q.buckets, rows) if q.buckets else _entries(rows) for q, rows in answered}


def _numbers(buckets: tuple[Instant, ...], counts: list[int]) -> tuple[WindowEntry, ...]:
    """An entry for each bucket that was counted: the last ones may be left out."""
    return tuple([WindowEntry(at, f"#{n}") for at, n in zip(buckets, counts, strict=False)])


def _entries(flat: list[Any]) -> tuple[WindowEntry, ...]:
    """Oldest first; the server answers newest first so that a limit keeps the newest."""
    pairs = zip(reversed(flat[1::2]), reversed(flat[::2]), strict=True)
    return tuple([WindowEntry(int(at), member) for at, member in pairs])


def _cooldowns(keys: tuple[str, ...], found: list[Any]) -> dict[str, Instant]:
    return {k: int(v) for k, v in zip(keys, found, strict=True) if v}


class _Reply(Struct, array_like=True, frozen=True):
    """What `accept` answers; a call that is refused or decided ends early."""

    status: str
    answer: str = ""
    same_caller: int = 0
    same_place: int = 0
    caller_ids: tuple[str, ...] = ()
    place_ids: tuple[str, ...] = ()
    candidates: tuple[tuple[str, str, str, str, str], ...] = ()
    windows: list[list[Any]] = []
    cooldowns: list[Any] = []
    free: Any = None
    seq: str = "0"


_replies = msgspec.msgpack.Decoder(_Reply)


def _read(reply: _Reply, windows: tuple[WindowQuery, ...], cooldowns: tuple[str, ...]) -> Accepted:
    if reply.status == "other":
        raise Replayed("this webhook-id was used before with another body; send a new id for a new call")
    if reply.status == "taken":
        raise Taken("this call_id belongs to a call that came under another webhook-id")
    if reply.answer:
        return Accepted(Status.SAME, answer=reply.answer.encode())
    return Accepted(
        status=Status(reply.status),
        same_caller=reply.same_caller,
        same_place=reply.same_place,
        caller_ids=reply.caller_ids,
        place_ids=reply.place_ids,
        candidates=tuple(_candidate(*c) for c in reply.candidates),
        windows=_windows(windows, reply.windows),
        cooldowns=_cooldowns(cooldowns, reply.cooldowns),
        free=None if reply.free is False else units.free_units(reply.free),
        seq=int(reply.seq),
    )


def _candidate(call_id: str, at: str, link: str, order: str, seq: str) -> Candidate:
    waits = order == "?"
    return Candidate(
        call_id, int(at or 0), "" if waits else order, waits, int(seq), _links.decode(link) if link else None
    )


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
