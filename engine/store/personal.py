"""One caller's records in the store: found by the keyed hash, and erased in the place where they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.errors import Conflict
from engine.model import erasure
from engine.model.alert import Alert
from engine.model.call import Instant
from engine.model.dossier import Dossier
from engine.model.message import Message
from engine.model.order import Order
from engine.store import queues, settled, views
from engine.store.client import Client
from engine.store.codec import to_json
from engine.store.keys import key

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Held:
    """What the store has of one caller. `calls` are id → {call, hook, digest, raw, outcome}."""

    calls: dict[str, dict[str, Any]]
    orders: dict[str, Order]
    alerts: dict[str, Alert]
    dossiers: dict[str, Dossier]


async def of_caller(client: Client, city: str, caller: str) -> Held:
    """Their calls, and every order, alert and dossier that names one of them. Walks all calls: minutes, not seconds."""
    calls: dict[str, dict[str, Any]] = {}
    ids = [i.decode() for i in await client.read("ZRANGE", key(city, "calls"), 0, -1)]
    for at in range(0, len(ids), _PAGE):
        page = ids[at : at + _PAGE]
        rows = await client.read_many([("HMGET", key(city, "call", i), "body", "outcome", "order") for i in page])
        for call_id, (body, outcome, order) in zip(page, rows, strict=True):
            found = msgspec.json.decode(body) if body else None
            if found and found["call"]["caller"]["hash"] == caller:
                calls[call_id] = {
                    **found, "raw": body.decode(), "order": (order or b"").decode(),
                    "outcome": msgspec.json.decode(outcome) if outcome else None,
                }  # fmt: skip
    outcomes = [c["outcome"] for c in calls.values() if c["outcome"]]
    alerts = await views.alerts_by_id(client, city, [i for o in outcomes for i in o["alert_ids"]])
    asked_orders = [c["order"] for c in calls.values()] + [a.order_id for a in alerts]
    orders = await views.orders_by_id(client, city, [i for i in dict.fromkeys(asked_orders) if i])
    asked = {o["links"]["dossier_id"] for o in outcomes} | {o.dossier_id for o in orders}
    dossiers = [await views.dossier(client, city, i) for i in sorted(asked - {""}) if await _has(client, city, i)]
    return Held(
        calls,
        {o.order_id: o for o in orders},
        {a.alert_id: a for a in alerts},
        {d.dossier_id: d for d in dossiers},
    )


async def _has(client: Client, city: str, dossier_id: str) -> bool:
    return bool(await client.read("EXISTS", key(city, "dossier", dossier_id)))


async def erase(
    client: Client,
    city: str,
    caller: str,
    *,
    calls: Mapping[str, Mapping[str, Any]],
    orders: Sequence[Order],
    alerts: Sequence[Alert],
    dossiers: Sequence[Dossier],
    index: bool,
) -> None:
    """Take words and person out of these records, all or none; then out of the log and the training data.

    `index`: nothing of the caller stays, so later calls need not find the earlier ones. Raises `Conflict`.
    """
    subjects = [*calls, *(o.order_id for o in orders), *(a.alert_id for a in alerts), *(d.dossier_id for d in dossiers)]
    lines = await settled.lines(client, city, subjects)
    records = [_call(i, c) for i, c in calls.items()]
    records += [_record("order", o.order_id, o.version, erasure.order(o)) for o in orders]
    records += [_record("alert", a.alert_id, a.version, erasure.alert(a)) for a in alerts]
    mine = frozenset({caller})
    records += [_record("dossier", d.dossier_id, d.version, erasure.dossier(d, mine)) for d in dossiers]
    for record in records:
        record["line"] = [to_json(e) for e in erasure.line(lines[record["id"]])]
    drop = [f"by:caller:{caller}", f"dossiers:caller:{caller}"] if index else []
    messages = [{"id": m.message_id, "json": to_json(m)} for m in await _waiting(client, city, frozenset(subjects))]
    said = await client.call("rewrite", city, records=records, messages=messages, drop=drop)
    if said[0] == b"conflict":
        raise Conflict(f"{said[1].decode()} {said[2].decode()} was changed meanwhile; nothing was erased")
    await _thin(client, city, "log", frozenset(subjects))
    await _thin(client, city, "labels", frozenset(subjects))


async def _waiting(client: Client, city: str, subjects: frozenset[str]) -> list[Message]:
    """Messages about one of the subjects that are not delivered, without their words."""
    every = await queues.undelivered(client, city)
    return [erasure.message(m) for m in every if {m.subject, *m.sealed} & subjects]


def _call(call_id: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    bare = erasure.call({"call": stored["call"], "outcome": stored["outcome"]})
    body = to_json({"call": bare["call"], "hook": stored["hook"], "digest": stored["digest"]})
    outcome = {"outcome": to_json(bare["outcome"])} if bare["outcome"] else {}
    return {"kind": "call", "id": call_id, "was": stored["raw"], "set": {"body": body, "link": "", **outcome}}


def _record(kind: str, record_id: str, version: int, after: Any) -> dict[str, Any]:
    return {"kind": kind, "id": record_id, "was": version, "set": {"json": to_json(after)}}


async def _thin(client: Client, city: str, stream: str, subjects: frozenset[str]) -> None:
    """Remove entries of a stream that speak of one of the subjects."""
    if not subjects:
        return
    after = "-"
    while rows := await client.read("XRANGE", key(city, stream), after, "+", "COUNT", _PAGE):
        gone = [row[0] for row in rows if _speaks_of(row[1], subjects)]
        if gone:
            await client.read("XDEL", key(city, stream), *gone)
        after = f"({rows[-1][0].decode()}"


def _speaks_of(fields: Any, subjects: frozenset[str]) -> bool:
    text = fields[b"j"] if isinstance(fields, dict) else fields[1]
    said = msgspec.json.decode(text)
    return bool({said.get("subject"), said.get("call_id"), said.get("order_id"), said.get("alert_id")} & subjects)


async def older(client: Client, city: str, stream: str, before: Instant) -> int:
    """How many entries of a stream were written before an instant."""
    count, after = 0, "-"
    while rows := await client.read("XRANGE", key(city, stream), after, f"({before}-0", "COUNT", 5000):
        count += len(rows)
        after = f"({rows[-1][0].decode()}"
    return count


async def trim(client: Client, city: str, stream: str, before: Instant) -> None:
    """Remove entries of a stream written before an instant."""
    await client.read("XTRIM", key(city, stream), "MINID", f"{before}-0")
