"""Committing a change: the whole of it in one function call, or nothing."""

from collections.abc import Callable
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
from engine.store.codec import row, to_bytes
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
    outcome, idem = change.outcome, change.idempotency_key or None
    call = (outcome.call_id, outcome.order_id, received_at, outcome.over) if outcome else (None, "", 0, ())
    claims = [{"key": c.key, "count": c.count} for c in change.claims]
    cools = [{"key": c.key, "value": c.until, "ms": max(1, c.until - now)} for c in change.cooldowns if c.until > now]
    wakes = [{"key": w.key, "at": w.due_at, "payload": w.payload} for w in change.wakes]
    written = (change.moved, change.orders, change.alerts, change.dossiers, change.messages, change.log, labels)
    reply = await client.run(
        "commit",
        city,
        row(idem, *call, claims, cools, wakes, *map(len, written)),
        "\n".join(_counts(change)).encode(),
        answer,
        to_bytes(outcome) if outcome else b"",
        *(
            part
            for rows_of, each in zip(_ROWS, written, strict=True)
            for x in each
            for part in (rows_of(x), to_bytes(x))
        ),
    )
    if reply == b"ok":
        return answer
    word = reply[0]
    if word == b"conflict":
        raise Conflict(f"{reply[1].decode()} {reply[2].decode()} was changed meanwhile (now at version {reply[3]})")
    already: bytes = reply[1]
    return already


# Rows as the stored function reads them.


def _clock(at: Instant | None) -> Instant | bool:
    """An instant, or False: a row with a hole has no certain length."""
    return False if at is None else at


def _moved(m: CallOutcome) -> bytes:
    return row(m.call_id, m.order_id)


def _order(o: Order) -> bytes:
    clock = _clock(o.alarm_at if o.is_open else None)
    seen_by = {o.body_id, *o.joint} - {""}
    return row(
        o.order_id, o.version, o.state, o.body_id, o.is_open, o.overdue, o.opened_at, o.unit_at_work, clock, *seen_by
    )


def _alert(a: Alert) -> bytes:
    return row(a.alert_id, a.version, a.state, a.raised_at, _clock(a.alarm_at))


def _dossier(d: Dossier) -> bytes:
    about = [] if d.state is DossierState.MERGED else dispute_keys(d.callers, d.places)
    bodies = [b for b in d.bodies if b]
    clock = _clock(d.alarm_at)
    return row(d.dossier_id, d.version, d.state, d.grade, d.opened_at, d.touched_at, clock, bodies, about)


def _message(m: Message) -> bytes:
    return row(m.message_id, m.body_id, m.created_at)


def _entry(e: LogEntry) -> bytes:
    return e.subject.encode()


def _label(label: dict[str, Any]) -> bytes:
    return b""


_ROWS: tuple[Callable[[Any], bytes], ...] = (_moved, _order, _alert, _dossier, _message, _entry, _label)


def _counts(change: Change) -> list[str]:
    """Counters that grow by this change, each as often as it grows: `name|label=value,…`, as Prometheus shows them."""
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
    return names
