"""Settled records move from the store to the history, each exactly once, whatever dies in between.

A case moves together: an order that was settled long enough ago, its calls, its alert. Records are kept masked, and the
sealed contact stays behind for good: once a case is settled nobody must act on it any more.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.history import History, Moving, Row
from engine.model.alert import Alert
from engine.model.call import Instant
from engine.model.city import City
from engine.model.dossier import Dossier, DossierState
from engine.model.message import LogEntry
from engine.model.order import Order
from engine.reports import facts
from engine.store import settled, views
from engine.store.client import Client

log = logging.getLogger("fenliu.archive")
DAY_MS = 86_400_000
_BATCH = 2_000
"""Orders (with their calls), alerts or calls moved at a time: the store forgets them in one short step."""
Line = list[LogEntry]


@dataclass(slots=True)
class Batch:
    """Records on their way, as the store had them."""

    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    dossiers: dict[str, Dossier] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many records."""
        return len(self.calls) + len(self.orders) + len(self.alerts) + len(self.dossiers)


async def archive(client: Client, history: History, city: City, now: Instant) -> int:
    """Move everything settled `settled_days` ago; answers how many records. 0 when another process is moving."""
    with history.alone() as alone:
        if not alone:
            return 0
        await finish(client, history, city)
        moved = 0
        async for batch in _batches(client, city, now, now - city.history.settled_days * DAY_MS):
            moved += await _move(client, history, city, batch, now) if batch.size else 0
        if moved:
            log.info("moved to the history", extra={"records": moved})
        return moved


async def finish(client: Client, history: History, city: City) -> None:
    """Do the rest of what a crash interrupted. Call it inside `alone`."""
    if moving := history.promised():
        history.place(moving)
        orders = await views.orders_by_id(client, city.id, list(moving.versions.get("order", {})))
        lines = await settled.lines(client, city.id, [o.order_id for o in orders])
        bodies = {o.order_id: settled.bodies_of(o, lines[o.order_id]) for o in orders}
        history.done(moving, await settled.forget(client, city.id, moving.versions, bodies))


async def _move(client: Client, history: History, city: City, batch: Batch, now: Instant) -> int:
    moving = await asyncio.to_thread(_promised, history, city, batch, now)
    history.place(moving)
    bodies = {i: settled.bodies_of(o, batch.lines[i]) for i, o in batch.orders.items()}
    kept = await settled.forget(client, city.id, moving.versions, bodies)
    history.done(moving, kept)
    return batch.size - sum(len(ids) for ids in kept.values())


def _promised(history: History, city: City, batch: Batch, now: Instant) -> Moving:
    return history.promise(uuid.uuid4().hex[:12], facts.day_of(now, city.tz), rows_of(batch, city))


async def _batches(client: Client, city: City, now: Instant, before: Instant) -> AsyncIterator[Batch]:
    """Cases first, then alerts without an order, calls without an order, and closed dossiers."""
    async for page in settled.orders(client, city.id):
        old = [o for o in page if max([o.opened_at, *o.entered.values()]) < before]
        for at in range(0, len(old), _BATCH):
            yield await _cases(client, city.id, old[at : at + _BATCH])
    async for alerts in settled.alerts(client, city.id):
        yield await _alerts(client, city.id, alerts, before)
    async for ids in settled.calls_without_order(client, city.id, before):
        calls = await settled.bodies(client, city.id, ids)
        yield Batch(calls=calls, lines=await settled.lines(client, city.id, list(calls)))
    async for closed in settled.dossiers(client, city.id):
        yield await _dossiers(client, city.id, [d for d in closed if _at_rest(d, city, now)], before)


async def _cases(client: Client, city: str, orders: list[Order]) -> Batch:
    """Whole cases only: a call whose webhook may still be repeated, or an alert still open, holds its order back."""
    calls = await settled.bodies(client, city, [i for o in orders for i in o.call_ids])
    asked = [o.alert_id for o in orders if o.alert_id]
    alerts = {a.alert_id: a for a in await views.alerts_by_id(client, city, asked)}
    open_alerts = {i for i, a in alerts.items() if a.state not in settled.DONE_ALERTS}
    whole = [o for o in orders if o.alert_id not in open_alerts and (o.alert_id or all(i in calls for i in o.call_ids))]
    own = {i for o in whole if not o.alert_id for i in o.call_ids}  # an instruction's calls belong to their own orders
    batch = Batch(
        calls={i: c for i, c in calls.items() if i in own},
        orders={o.order_id: o for o in whole},
        alerts={o.alert_id: alerts[o.alert_id] for o in whole if o.alert_id in alerts},
    )
    batch.lines = await settled.lines(client, city, [*batch.calls, *batch.orders, *batch.alerts])
    return batch


async def _alerts(client: Client, city: str, alerts: list[Alert], before: Instant) -> Batch:
    lines = await settled.lines(client, city, [a.alert_id for a in alerts])
    old = {a.alert_id: a for a in alerts if max([a.raised_at, *(e.at for e in lines[a.alert_id])]) < before}
    return Batch(alerts=old, lines={i: lines[i] for i in old})


def _at_rest(dossier: Dossier, city: City, now: Instant) -> bool:
    """A closed dispute may flare up: it stays where its next call finds it as long as a call belongs to it."""
    merged = dossier.state is DossierState.MERGED
    return merged or dossier.touched_at < now - city.disputes.days * DAY_MS


async def _dossiers(client: Client, city: str, dossiers: list[Dossier], before: Instant) -> Batch:
    lines = await settled.lines(client, city, [d.dossier_id for d in dossiers])
    old = {d.dossier_id: d for d in dossiers if max([d.opened_at, *(e.at for e in lines[d.dossier_id])]) < before}
    return Batch(dossiers=old, lines={i: lines[i] for i in old})


def rows_of(batch: Batch, city: City) -> dict[str, list[Row]]:
    """Kind → rows for the history: flat columns, the record, its time line. Pure."""
    lines = batch.lines
    order_of = {i: o for o in batch.orders.values() if not o.alert_id for i in o.call_ids}
    return {
        "call": [
            facts.of_call(c, order_of.get(i), city) | _whole(_unsealed(c), lines[i]) for i, c in batch.calls.items()
        ],
        "order": [facts.of_order(o, lines[i], city) | _whole(o, lines[i]) for i, o in batch.orders.items()],
        "alert": [
            facts.of_alert(a, lines[i], lines.get(a.order_id, []), city) | _whole(a, lines[i])
            for i, a in batch.alerts.items()
        ],
        "dossier": [
            {"id": i, "at": d.opened_at, "day": facts.day_of(d.opened_at, city.tz), "version": d.version}
            | _whole(d, lines[i])
            for i, d in batch.dossiers.items()
        ],
    }


def _unsealed(stored: dict[str, Any]) -> dict[str, Any]:
    return {**stored, "call": {**stored["call"], "sealed": ""}}


def _whole(record: Any, line: Line) -> dict[str, str]:
    return {"json": msgspec.json.encode(record).decode(), "line": msgspec.json.encode(line).decode()}
