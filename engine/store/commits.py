"""Committing a change: the whole of it in one function call, or nothing."""

from collections import Counter
from typing import Any

from engine import tracing
from engine.errors import Conflict
from engine.model.alert import Alert
from engine.model.call import Instant
from engine.model.change import CallOutcome, Change
from engine.model.dossier import Dossier, DossierState
from engine.model.message import LogEntry, Message
from engine.model.order import Order
from engine.model.values import replace
from engine.store.client import Client
from engine.store.codec import packed, packed_text
from engine.store.disputes import dispute_keys


async def commit(
    client: Client,
    city: str,
    change: Change,
    *,
    now: Instant,
    answer: bytes = b"",
    received_at: Instant = 0,
    labels: tuple[dict[str, Any], ...] = (),
) -> bytes:
    """Write `change`; answers `answer`, or what was answered when it was already done.

    Raises `Conflict` (and writes nothing) when an order, alert or dossier in it was changed meanwhile.
    """
    if trace := tracing.here():
        change = replace(change, messages=tuple(replace(m, trace=trace) for m in change.messages))
    reply = await client.call(
        "commit",
        city,
        call=_outcome(change.outcome, answer, received_at),
        moved=[{"id": m.call_id, "order": m.order_id, "outcome": packed(m)} for m in change.moved],
        orders=tuple(map(_order, change.orders)),
        alerts=tuple(map(_alert, change.alerts)),
        dossiers=tuple(map(_dossier, change.dossiers)),
        claims=[{"key": c.key, "count": c.count} for c in change.claims],
        messages=tuple(map(_message, change.messages)),
        log=tuple(map(_entry, change.log)),
        cooldowns=[
            {"key": c.key, "value": c.until, "ms": max(1, c.until - now)} for c in change.cooldowns if c.until > now
        ],
        wakes=[{"key": w.key, "at": w.due_at, "payload": w.payload} for w in change.wakes],
        counts=_counts(change),
        labels=[packed(label) for label in labels],
        idem=change.idempotency_key or None,
        idem_answer=packed_text(answer),
    )
    word = reply[0]
    if word == b"conflict":
        raise Conflict(f"{reply[1].decode()} {reply[2].decode()} was changed meanwhile (now at version {reply[3]})")
    return reply[1] if word == b"already" else answer


def _outcome(outcome: CallOutcome | None, answer: bytes, received_at: Instant) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return {
        "id": outcome.call_id,
        "order": outcome.order_id,
        "outcome": packed(outcome),
        "answer": packed_text(answer),
        "over": list(outcome.over),
        "at": received_at,
    }


def _order(o: Order) -> dict[str, Any]:
    return {
        "id": o.order_id,
        "v": o.version,
        "state": o.state,
        "body": o.body_id,
        "open": o.is_open,
        "overdue": o.overdue,
        "opened": o.opened_at,
        "unit": o.unit_at_work,
        "alarm": o.alarm_at if o.is_open else None,
        "seen_by": list({o.body_id, *o.joint} - {""}),
        "json": packed(o),
    }


def _alert(a: Alert) -> dict[str, Any]:
    return {
        "id": a.alert_id,
        "v": a.version,
        "state": a.state,
        "raised": a.raised_at,
        "alarm": a.alarm_at,
        "json": packed(a),
    }


def _dossier(d: Dossier) -> dict[str, Any]:
    merged = d.state is DossierState.MERGED
    return {
        "id": d.dossier_id,
        "v": d.version,
        "state": d.state,
        "grade": d.grade,
        "opened": d.opened_at,
        "touched": d.touched_at,
        "alarm": d.alarm_at,
        "seen_by": [b for b in d.bodies if b],
        "by": [] if merged else dispute_keys(d.callers, d.places),
        "json": packed(d),
    }


def _message(m: Message) -> dict[str, Any]:
    return {"id": m.message_id, "body": m.body_id, "created": m.created_at, "json": packed(m)}


def _entry(e: LogEntry) -> dict[str, Any]:
    return {"json": packed(e), "subject": e.subject, "line": True}


def _counts(change: Change) -> dict[str, int]:
    """Counters of this change, named as Prometheus will show them: `name|label=value,…`."""
    names: list[str] = []
    if change.outcome:
        d = change.outcome.decision
        # A call that a person still has to decide was handed over by nobody yet, whatever is suggested.
        handoff = "none" if d.review else d.handoff
        names.append(f"fenliu_calls_total|matter={d.matter},handoff={handoff}")
        names += [f"fenliu_reasons_total|code={reason.code}" for reason in d.reasons]
    names += [f"fenliu_events_total|what={entry.what}" for entry in change.log]
    names += [f"fenliu_alerts_total|model={a.model},state={a.state}" for a in change.alerts if a.version == 1]
    names += [f"fenliu_messages_total|type={message.type}" for message in change.messages]
    return dict(Counter(names))
