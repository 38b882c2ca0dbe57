"""What waits: the outbox stream, messages to try again, dead letters, clocks, calls without a decision."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from engine.model.call import Instant
from engine.model.message import LogEntry, Message
from engine.store.client import Client
from engine.store.codec import fields_of, row, to_bytes, to_json
from engine.store.keys import key

_messages = msgspec.json.Decoder(Message)
GROUP = "delivery"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Queued:
    """A message taken from the outbox by this worker."""

    entry_id: str
    message: Message
    tries: int
    """Failed tries so far."""
    since: Instant = 0
    """When it was queued, or replayed last."""


async def ensure_group(client: Client, city: str) -> None:
    """Make the consumer group of the outbox; doing it again changes nothing."""
    try:
        await client.read("XGROUP", "CREATE", key(city, "outbox"), GROUP, "0", "MKSTREAM")
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


async def take(client: Client, city: str, worker: str, *, count: int, reclaim_idle_ms: int | None) -> list[Queued]:
    """New messages for this worker, and those a dead worker held for longer than `reclaim_idle_ms` (None: not asked).

    The consumer group is made when it is missing: at the first look, or on a store that was restored.
    """
    try:
        return await _taken(client, city, worker, count, reclaim_idle_ms)
    except ResponseError as error:
        if "NOGROUP" not in str(error):
            raise
    await ensure_group(client, city)
    return await _taken(client, city, worker, count, reclaim_idle_ms)


async def _taken(client: Client, city: str, worker: str, count: int, reclaim_idle_ms: int | None) -> list[Queued]:
    outbox = key(city, "outbox")
    entries = []
    if reclaim_idle_ms is not None:
        claimed = await client.read("XAUTOCLAIM", outbox, GROUP, worker, reclaim_idle_ms, "0-0", "COUNT", count)
        entries = [e for e in claimed[1] if e and e[1]]
    if len(entries) < count:
        fresh = await client.read(
            "XREADGROUP", "GROUP", GROUP, worker, "COUNT", count - len(entries), "STREAMS", outbox, ">"
        )
        entries += _stream_entries(fresh)
    return await _load(client, city, entries)


def _stream_entries(answer: Any) -> list[Any]:
    """Entries of an XREADGROUP answer, whatever shape the protocol version gives it."""
    if not answer:
        return []
    streams = answer.values() if isinstance(answer, dict) else [s[1] for s in answer]
    return [entry for stream in streams for entry in stream]


async def _load(client: Client, city: str, entries: list[Any]) -> list[Queued]:
    names = [(entry_id.decode(), _field(fields, b"id")) for entry_id, fields in entries]
    rows = await client.read_many([("HMGET", key(city, "msg", i), "json", "tries", "created") for _, i in names])
    return [
        Queued(entry_id, _messages.decode(row[0]), int(row[1] or 0), int(float(row[2] or 0)))
        for (entry_id, _), row in zip(names, rows, strict=True)
        if row[0]
    ]


async def undelivered(client: Client, city: str) -> list[Message]:
    """Every message that still waits: in the outbox, taken by a worker, for its next try, or as a dead letter."""
    ids: dict[str, None] = {}
    after = "-"
    while rows := await client.read("XRANGE", key(city, "outbox"), after, "+", "COUNT", _PAGE):
        ids |= dict.fromkeys(_field(fields, b"id") for _, fields in rows)
        after = f"({rows[-1][0].decode()}"
    for name in ("retry", "dead"):
        ids |= dict.fromkeys(i.decode() for i in await client.read("ZRANGE", key(city, name), 0, -1))
    every, found = list(ids), []
    for at in range(0, len(every), _PAGE):
        page = every[at : at + _PAGE]
        found += await client.read_many([("HGET", key(city, "msg", i), "json") for i in page])
    return [_messages.decode(row) for row in found if row]


def _field(fields: Any, name: bytes) -> str:
    if isinstance(fields, dict):
        return str(fields[name].decode())
    return str(fields[fields.index(name) + 1].decode())


async def settle(
    client: Client,
    city: str,
    taken: Queued,
    *,
    state: str,
    last: str,
    now: Instant,
    retry_at: Instant = 0,
    tried: bool = True,
    entry: LogEntry | None = None,
) -> None:
    """Write down what became of a try: `delivered`, `waiting` (until `retry_at`) or `dead`.

    `tried` is false for a message put off because its body is busy: that is no failed try.
    """
    told = taken.message
    await client.run(
        "settle",
        city,
        row(told.message_id, taken.entry_id, told.body_id, state, last, tried, now, retry_at),
        to_bytes(_try_row(taken, state, last, now)),
        *((entry.subject.encode(), to_bytes(entry)) if entry else ()),
    )


def _try_row(taken: Queued, state: str, last: str, now: Instant) -> dict[str, Any]:
    message = taken.message
    return {
        "at": now,
        "body": message.body_id,
        "message_id": message.message_id,
        "type": message.type.value,
        "subject": message.subject,
        "try": taken.tries + 1,
        "state": state,
        "reason": last,
    }


async def tries(client: Client, city: str, bodies: list[str]) -> list[dict[str, Any]]:
    """The newest tries with bodies (a few hundred each)."""
    found = await client.read_many([("LRANGE", key(city, "tries", body), 0, -1) for body in bodies])
    return [msgspec.json.decode(row) for rows in found for row in rows]


async def show_circuit(client: Client, city: str, body: str, shown: dict[str, Any] | None) -> None:
    """Write down how a body's circuit stands; None: closed."""
    name = key(city, "circuits")
    await (client.read("HSET", name, body, to_json(shown)) if shown else client.read("HDEL", name, body))


async def circuits(client: Client, city: str) -> dict[str, dict[str, Any]]:
    """Circuits that are not closed, by body."""
    found = await client.read("HGETALL", key(city, "circuits"))
    return {body.decode(): msgspec.json.decode(row) for body, row in fields_of(found).items()}


async def requeue_due(client: Client, city: str, now: Instant, limit: int = 256) -> int:
    """Put messages whose next try is due back on the stream; answers how many."""
    return int(await client.call("requeue", city, now=now, limit=limit))


async def replay_dead(client: Client, city: str, message_ids: list[str], now: Instant) -> int:
    """Put named dead letters back on the stream with their tries forgotten; answers how many were dead."""
    return int(await client.call("requeue", city, now=now, ids=message_ids))


@dataclass(frozen=True, slots=True)
class Ringing:
    """A clock that ran out or is about to, with what it belongs to as it stood when it was taken."""

    kind: str
    """`order` | `alert` | `dossier` | `wake`."""
    subject: str
    record: bytes
    """JSON of the order, alert or dossier, or the payload of the silence; empty when it is gone."""
    at: Instant
    """Its stored instant."""

    @property
    def gone(self) -> bool:
        """Whether what it belongs to is in the store no longer: the store has dropped this clock."""
        return not self.record and self.kind != "wake"


async def due_alarms(
    client: Client, city: str, now: Instant, *, limit: int, lease: int, ahead: int = 0
) -> list[Ringing]:
    """Clocks that ran out or will within `ahead` ms, the first first, leased to this worker for `lease` ms."""
    rows = await client.call("lease", city, set="alarms", now=now, limit=limit, lease=lease, ahead=ahead)
    return [Ringing(*_kind_and_id(member.decode()), record, int(at)) for member, record, at in rows]


def _kind_and_id(member: str) -> tuple[str, str]:
    kind, _, subject = member.partition(":")
    return kind, subject


async def undecided(
    client: Client, city: str, now: Instant, *, older_than: int, limit: int, lease: int, patient: int, longest: int
) -> list[str]:
    """Ids of calls accepted more than `older_than` ms ago and not decided; counts the try on each.

    After a try a call waits `lease` ms for its next, after more than `patient` tries twice as long each time, up to
    `longest` ms.
    """
    bounds = {"patient": patient, "longest": longest}
    rows = await client.call("lease", city, set="pending", now=now - older_than, limit=limit, lease=lease, **bounds)
    return [member.decode() for member, *_ in rows]


async def note_undecided(client: Client, city: str, call_id: str, why: str, now: Instant) -> None:
    """Write down for people why a call could not be decided; it stands there until it is."""
    await client.read("HSET", key(city, "undecided"), call_id, to_json({"at": now, "why": why}))


async def decide_now(client: Client, city: str, call_id: str) -> bool:
    """Let a call that waits for another try be tried at once; false when it waits no longer."""
    waits = await client.read("ZSCORE", key(city, "pending"), call_id) is not None
    if waits:
        await client.read("ZADD", key(city, "pending"), "XX", 0, call_id)
    return waits


async def depths(client: Client, city: str) -> dict[str, int]:
    """How much waits where: outbox, retry, dead, alarms, pending."""
    sizes = await client.read_many(
        [
            ("XLEN", key(city, "outbox")),
            *(("ZCARD", key(city, n)) for n in ("retry", "dead", "alarms", "pending")),
        ]
    )
    return dict(zip(("outbox", "retry", "dead", "alarms", "pending"), map(int, sizes), strict=True))


@dataclass(frozen=True, slots=True)
class Lags:
    """How far the worker is behind, and which bodies are not reached."""

    oldest_ms: int
    """Age of the oldest message that is not settled, on the store's own clock; 0 when none waits."""
    clocks_ms: int
    """How long ago the first clock that did not ring yet ran out; 0 when none did."""
    unreached: dict[str, int]
    """Body → messages that wait for another try, of the first thousand."""


async def lags(client: Client, city: str, now: Instant) -> Lags:
    """What stands still and how long. `now` is for the clocks."""
    first, time, alarm, waiting = await client.read_many(
        [
            ("XRANGE", key(city, "outbox"), "-", "+", "COUNT", 1),
            ("TIME",),
            ("ZRANGE", key(city, "alarms"), 0, 0, "WITHSCORES"),
            ("ZRANGE", key(city, "retry"), 0, 999),
        ]
    )
    at = int(first[0][0].decode().partition("-")[0]) if first else 0
    due = int(float(alarm[1])) if alarm else now
    bodies = await client.read_many([("HGET", key(city, "msg", i.decode()), "body") for i in waiting])
    age = max(0, int(time[0]) * 1000 + int(time[1]) // 1000 - at) if at else 0
    return Lags(age, max(0, now - due), dict(Counter(b.decode() for b in bodies if b).most_common()))
