"""What is over and done with: read for the history, and forgotten once it stands there."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from engine.model.alert import Alert, AlertState
from engine.model.call import Instant
from engine.model.dossier import Dossier, DossierState
from engine.model.message import LogEntry
from engine.model.order import FINAL_STATES, Order
from engine.store import views
from engine.store.client import Client
from engine.store.keys import key

_entries = msgspec.json.Decoder(LogEntry)
_PAGE = 500
DONE_ALERTS = frozenset({AlertState.CHECKED, AlertState.DISMISSED, AlertState.SHADOW, AlertState.INHIBITED})


async def orders(client: Client, city: str) -> AsyncIterator[list[Order]]:
    """Every order in a final state, page by page."""
    for state in sorted(FINAL_STATES):
        cursor = ""
        while True:
            page = await views.orders(client, city, state=state.value, cursor=cursor, limit=_PAGE)
            yield list(page.items)
            cursor = page.cursor
            if not cursor:
                break


async def alerts(client: Client, city: str) -> AsyncIterator[list[Alert]]:
    """Every alert without an order that nobody owes anything any more, page by page."""
    for state in sorted(DONE_ALERTS):
        cursor = ""
        while True:
            page = await views.alerts(client, city, state=state.value, cursor=cursor, limit=_PAGE)
            yield [a for a in page.items if not a.order_id]
            cursor = page.cursor
            if not cursor:
                break


async def dossiers(client: Client, city: str) -> AsyncIterator[list[Dossier]]:
    """Every closed or merged dossier, page by page."""
    for state in (DossierState.CLOSED, DossierState.MERGED):
        cursor = ""
        while True:
            page = await views.dossiers(client, city, state=state.value, cursor=cursor, limit=_PAGE)
            yield list(page.items)
            cursor = page.cursor
            if not cursor:
                break


async def calls_without_order(client: Client, city: str, before: Instant) -> AsyncIterator[list[str]]:
    """Ids of decided calls received before an instant that ended in no order, page by page."""
    at = 0
    ids = [i.decode() for i in await client.read("ZRANGEBYSCORE", key(city, "calls"), "-inf", f"({before}")]
    while page := ids[at : at + _PAGE]:
        held = await client.read_many([("HGET", key(city, "call", i), "order") for i in page])
        yield [i for i, order in zip(page, held, strict=True) if not order]
        at += _PAGE


async def bodies(client: Client, city: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Call id → {call, outcome, answer, hook} for those that are decided and whose webhook nobody may repeat."""
    rows = await client.read_many([("HMGET", key(city, "call", i), "body", "outcome", "answer") for i in ids])
    found = {}
    for call_id, row in zip(ids, rows, strict=True):
        if row[0] and row[1]:
            body = msgspec.json.decode(row[0])
            outcome, answer = msgspec.json.decode(row[1]), msgspec.json.decode(row[2])
            found[call_id] = {"call": body["call"], "hook": body["hook"], "outcome": outcome, "answer": answer}
    hooks = await client.read_many([("EXISTS", key(city, "hook", c["hook"])) for c in found.values()])
    return {i: call for (i, call), repeatable in zip(found.items(), hooks, strict=True) if not repeatable}


async def lines(client: Client, city: str, subjects: Sequence[str]) -> dict[str, list[LogEntry]]:
    """Subject → its time line."""
    found = await client.read_many([("LRANGE", key(city, "line", s), 0, -1) for s in subjects])
    return {s: [_entries.decode(e) for e in line] for s, line in zip(subjects, found, strict=True)}


async def forget(
    client: Client, city: str, versions: Mapping[str, Mapping[str, int]], bodies: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Take records out of the store, all in one call; answers kind → ids of those changed meanwhile, which stay whole.

    `versions`: kind → id → the version that stands in the history. `bodies`: order id → bodies in whose lists it is.
    """
    kept = await client.call(
        "forget",
        city,
        calls=list(versions.get("call", ())),
        orders=[{"id": i, "v": v, "bodies": list(bodies.get(i, ()))} for i, v in versions.get("order", {}).items()],
        alerts=[{"id": i, "v": v} for i, v in versions.get("alert", {}).items()],
        dossiers=[{"id": i, "v": v} for i, v in versions.get("dossier", {}).items()],
    )
    found: dict[str, list[str]] = {}
    for kind, record_id in kept:
        found.setdefault(kind.decode(), []).append(record_id.decode())
    return found


def bodies_of(order: Order, line: Sequence[LogEntry]) -> list[str]:
    """Bodies in whose lists an order is: all that held it or were told at once."""
    held = {e.data.get("body") for e in line}
    return sorted({b for b in held if isinstance(b, str) and b} | {order.body_id, *order.joint, *order.passed} - {""})
