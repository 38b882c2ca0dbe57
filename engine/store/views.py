"""Reading: single things, lists by index, time lines, counters. Nothing here changes anything."""

import base64
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, Generic, TypeVar

import msgspec

from engine.errors import Fault, NotFound, Refused
from engine.model.alert import Alert
from engine.model.call import Instant
from engine.model.dossier import Dossier
from engine.model.message import LogEntry
from engine.model.order import Order
from engine.store.client import Client
from engine.store.codec import fields_of
from engine.store.keys import key

T = TypeVar("T")
_orders = msgspec.json.Decoder(Order)
_alerts = msgspec.json.Decoder(Alert)
_dossiers = msgspec.json.Decoder(Dossier)
_entries = msgspec.json.Decoder(LogEntry)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, newest first; `cursor` is empty on the last."""

    items: tuple[T, ...]
    cursor: str = ""


async def order(client: Client, city: str, order_id: str) -> Order:
    """One order; raises `NotFound`."""
    found = await client.read("HGET", key(city, "order", order_id), "json")
    if not found:
        raise NotFound(f"no order {order_id} in this city")
    return _orders.decode(found)


async def alert(client: Client, city: str, alert_id: str) -> Alert:
    """One alert; raises `NotFound`."""
    found = await client.read("HGET", key(city, "alert", alert_id), "json")
    if not found:
        raise NotFound(f"no alert {alert_id} in this city")
    return _alerts.decode(found)


async def dossier(client: Client, city: str, dossier_id: str) -> Dossier:
    """One dossier; raises `NotFound`."""
    found = await client.read("HGET", key(city, "dossier", dossier_id), "json")
    if not found:
        raise NotFound(f"no dossier {dossier_id} in this city")
    return _dossiers.decode(found)


async def record(client: Client, city: str, kind: str, subject: str) -> bytes:
    """An order, alert or dossier as JSON, or what a `wake` waits for; empty when it is gone."""
    name = key(city, kind, subject)
    return await (client.read("GET", name) if kind == "wake" else client.read("HGET", name, "json")) or b""


async def answered(client: Client, city: str, idempotency_key: str) -> bytes:
    """What a change under this key was answered; empty when there was none."""
    return await client.read("GET", key(city, "idem", idempotency_key)) or b""


async def line(client: Client, city: str, subject: str) -> list[LogEntry]:
    """The time line of one call, order, alert or dossier, in the order of commits."""
    return [_entries.decode(e) for e in await client.read("LRANGE", key(city, "line", subject), 0, -1)]


async def orders(
    client: Client,
    city: str,
    *,
    state: str = "",
    body: str = "",
    overdue: bool = False,
    only_open: bool = False,
    cursor: str = "",
    limit: int = 100,
) -> Page[Order]:
    """Orders newest first; `body` means held now or before (so that a returned order stays visible)."""
    index = _order_index(state, body, overdue, only_open)
    return await _page(client, city, index, "order", _orders, cursor, limit)


def _order_index(state: str, body: str, overdue: bool, only_open: bool) -> str:
    """The smallest index that holds everything asked for; the rest is filtered by the caller."""
    if body:
        return f"orders:body:{body}" if only_open else f"orders:seen:{body}"
    if overdue:
        return "orders:overdue"
    if state:
        return f"orders:state:{state}"
    return "orders:open" if only_open else "orders"


async def alerts(client: Client, city: str, *, state: str = "", cursor: str = "", limit: int = 100) -> Page[Alert]:
    """Alerts newest first."""
    return await _page(client, city, f"alerts:state:{state}" if state else "alerts", "alert", _alerts, cursor, limit)


async def dossiers(
    client: Client, city: str, *, state: str = "", grade: str = "", body: str = "", cursor: str = "", limit: int = 100
) -> Page[Dossier]:
    """Dossiers newest first, from the smallest index that holds what is asked for; the caller filters the rest."""
    narrowed = (("seen", body), ("state", state), ("grade", grade))
    index = next((f"dossiers:{name}:{value}" for name, value in narrowed if value), "dossiers")
    return await _page(client, city, index, "dossier", _dossiers, cursor, limit)


async def _page(
    client: Client,
    city: str,
    index: str,
    kind: str,
    decoder: "msgspec.json.Decoder[T]",
    cursor: str,
    limit: int,
) -> Page[T]:
    """Walk an index by (score, member): a page never skips or repeats while things are added."""
    score, last = _open_cursor(cursor)
    rows = await client.read(
        "ZREVRANGEBYSCORE", key(city, index), score, "-inf", "WITHSCORES", "LIMIT", 0, limit + 1 + _SAME_SCORE
    )
    pairs = [(_member(rows[i]), float(rows[i + 1])) for i in range(0, len(rows), 2)]
    if last:
        pairs = [p for p in pairs if (p[1], p[0]) < (float(score), last)]
    shown = pairs[:limit]
    found = await client.read_many([("HGET", key(city, kind, i), "json") for i, _ in shown])
    more = f"{shown[-1][1]!r}|{shown[-1][0]}" if len(pairs) > limit else ""
    return Page(tuple(decoder.decode(f) for f in found if f), base64.urlsafe_b64encode(more.encode()).decode())


_AT_ONCE = 1000
_SAME_SCORE = 500
"""How many things may share one millisecond before a page could skip one."""


def _member(raw: bytes) -> str:
    return raw.decode()


def _open_cursor(cursor: str) -> tuple[str, str]:
    if not cursor:
        return "+inf", ""
    try:
        score, _, member = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        if not isfinite(float(score)):
            raise ValueError(score)
    except (ValueError, UnicodeError) as error:
        raise Refused(
            Fault("cursor", "not a cursor of ours", "pass the cursor of the page before, unchanged")
        ) from error
    return repr(float(score)), member


async def recent_calls(client: Client, city: str, since: Instant, until: Instant, limit: int) -> list[dict[str, Any]]:
    """Committed calls received in [since, until], newest first: {call, outcome, answer}."""
    ids = await client.read("ZREVRANGEBYSCORE", key(city, "calls"), until, since, "LIMIT", 0, limit)
    return await calls_by_id(client, city, [i.decode() for i in ids])


async def ids(client: Client, city: str, kind: str) -> list[str]:
    """Every id of a kind (`call`, `order`, `alert`, `dossier`) that the store holds, oldest first."""
    return [i.decode() for i in await client.read("ZRANGE", key(city, kind + "s"), 0, -1)]


async def versions(client: Client, city: str, kind: str, ids: list[str]) -> dict[str, int]:
    """Id → version, for those that exist."""
    found: dict[str, int] = {}
    for at in range(0, len(ids), _AT_ONCE):
        page = ids[at : at + _AT_ONCE]
        rows = await client.read_many([("HGET", key(city, kind, i), "v") for i in page])
        found |= {i: int(v) for i, v in zip(page, rows, strict=True) if v}
    return found


async def orders_by_id(client: Client, city: str, ids: list[str]) -> list[Order]:
    """Several orders in one trip; what does not exist is left out."""
    return [_orders.decode(f) for f in await _many(client, city, "order", ids) if f]


async def alerts_by_id(client: Client, city: str, ids: list[str]) -> list[Alert]:
    """Several alerts in one trip; what does not exist is left out."""
    return [_alerts.decode(f) for f in await _many(client, city, "alert", ids) if f]


async def _many(client: Client, city: str, kind: str, ids: list[str]) -> list[bytes | None]:
    return await client.read_many([("HGET", key(city, kind, i), "json") for i in ids])


async def calls_by_id(client: Client, city: str, ids: list[str]) -> list[dict[str, Any]]:
    """Those of the calls that are decided: {call, outcome, answer}."""
    rows = await client.read_many([("HMGET", key(city, "call", i), "body", "outcome", "answer") for i in ids])
    return [_decided(r) for r in rows if r[0] and r[1]]


def _decided(row: list[bytes]) -> dict[str, Any]:
    return {
        "call": msgspec.json.decode(row[0])["call"],
        "outcome": msgspec.json.decode(row[1]),
        "answer": msgspec.json.decode(row[2]),
    }


async def newest_entry(client: Client, city: str) -> str:
    """Stream id of the newest entry of the city's log; `0` when it has none. `follow` goes on after it."""
    newest = await client.read("XREVRANGE", key(city, "log"), "+", "-", "COUNT", 1)
    return newest[0][0].decode() if newest else "0"


async def log_since(client: Client, city: str, since: Instant) -> list[LogEntry]:
    """Entries of orders written since an instant, newest first; read in pages, so that nobody waits for a long one."""
    found: list[LogEntry] = []
    upto = "+"
    while rows := await client.read("XREVRANGE", key(city, "log"), upto, "-", "COUNT", 1000):
        page = [_entries.decode(f[b"j"] if isinstance(f, dict) else f[1]) for _, f in rows]
        orders = [e for e in page if e.what.startswith("order.")]
        found += [e for e in orders if e.at >= since]
        if orders and orders[-1].at < since:
            break
        upto = f"({rows[-1][0].decode()}"
    return found


async def counts(client: Client, city: str) -> dict[str, int]:
    """All counters, `name|label=value,…` → n."""
    alone, together = await client.read_many([("HGETALL", key(city, name)) for name in ("counts", "counted")])
    found = Counter({k.decode(): int(v) for k, v in fields_of(alone).items()})
    for names, n in fields_of(together).items():
        for name in names.decode().split("\n"):
            found[name] += int(n)
    return dict(found)


async def dead_letters(client: Client, city: str, limit: int = 100) -> list[dict[str, Any]]:
    """Dead letters, newest first: {message_id, body, since, last, message}."""
    rows = await client.read("ZREVRANGEBYSCORE", key(city, "dead"), "+inf", "-inf", "WITHSCORES", "LIMIT", 0, limit)
    pairs = [(_member(rows[i]), int(float(rows[i + 1]))) for i in range(0, len(rows), 2)]
    found = await client.read_many([("HMGET", key(city, "msg", i), "json", "last", "body") for i, _ in pairs])
    return [
        {
            "message_id": i,
            "since": at,
            "last": (row[1] or b"").decode(),
            "body": (row[2] or b"").decode(),
            "message": msgspec.json.decode(row[0]),
        }
        for (i, at), row in zip(pairs, found, strict=True)
        if row[0]
    ]


async def undecided(client: Client, city: str, limit: int = 100) -> list[dict[str, Any]]:
    """Calls that could not be decided, tried last first: {call_id, tried_at, next_at, tries, why, stored}.

    `stored` is the call as the store holds it, which may be no JSON at all; its text is masked as in every stored call.
    """
    noted = fields_of(await client.read("HGETALL", key(city, "undecided")))
    scores = await client.read_many([("ZSCORE", key(city, "pending"), i) for i in noted])
    told = [
        (msgspec.json.decode(note), i.decode(), int(float(score)))
        for (i, note), score in zip(noted.items(), scores, strict=True)
        if score is not None  # decided meanwhile
    ]
    told = sorted(told, key=lambda one: -one[0]["at"])[:limit]
    rows = await client.read_many([("HMGET", key(city, "call", i), "tries", "body") for _, i, _ in told])
    return [
        {
            "call_id": i,
            "tried_at": note["at"],
            "next_at": next_at,
            "tries": int(row[0] or 0),
            "why": note["why"],
            "stored": (row[1] or b"").decode("utf-8", "replace"),
        }
        for (note, i, next_at), row in zip(told, rows, strict=True)
    ]


async def follow(client: Client, city: str, after: str = "$", count: int = 500) -> AsyncIterator[tuple[str, LogEntry]]:
    """Entries of the city's log after stream id `after` (`0` = from the start), then stops."""
    start = "-" if after in ("0", "") else f"({after}"
    if after == "$":
        newest = await client.read("XREVRANGE", key(city, "log"), "+", "-", "COUNT", 1)
        start = f"({newest[0][0].decode()}" if newest else "-"
    for entry_id, fields in await client.read("XRANGE", key(city, "log"), start, "+", "COUNT", count):
        raw = fields[b"j"] if isinstance(fields, dict) else fields[1]
        yield entry_id.decode(), _entries.decode(raw)
