"""Reconciliation: each call, answer, order, message, time line and final state matched one by one. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from load_tests.seen import FINAL_ALERT, FINAL_ORDER, Seen

_WITH_LINES = frozenset({"order", "alert", "dossier"})
"""A message about anything else, such as the daily digest, stands in no time line that is read back."""
KINDS = ("lost", "doubled", "stuck", "late", "wrong_body", "out_of_order", "unlike", "unbelieved")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not add up: `kind` is one of `KINDS`, `subject` names it, `text` says what."""

    kind: str
    subject: str
    text: str


def reconcile(seen: Seen, *, closed: bool = True) -> list[Finding]:
    """Every finding; an empty list is a clean run. Not `closed`: orders and alerts may still be under way."""
    found = [finding for check in CHECKS for finding in check(seen)]
    return [f for f in found if closed or f.kind != "stuck" or f.subject.startswith("queue")]


def _calls(seen: Seen) -> Iterator[Finding]:
    """Each call sent has one answer, is stored as answered, and rides in the order it was told."""
    riding = {(o["order_id"], call_id) for o in seen.orders for call_id in o["call_ids"]}
    for sent in seen.sent:
        if sent.refusal:
            yield Finding("lost", sent.webhook_id, f"refused: {sent.refusal}")
            continue
        call_id, order_id = sent.answer["call_id"], sent.answer["order_id"]
        stored = seen.calls.get(call_id)
        if stored is None or stored["answer"] is None:
            yield Finding("lost", call_id, "was acknowledged and is not decided")
        elif stored["answer"] != sent.answer:
            yield Finding("unlike", call_id, "the stored answer is not the one given")
        if order_id and (order_id, call_id) not in riding:
            yield Finding("lost", call_id, f"its order {order_id} does not hold it")


def _call_ids(seen: Seen) -> Iterator[Finding]:
    """No two webhooks became one call, no call rides in two orders or twice in one."""
    answered = Counter(s.answer["call_id"] for s in seen.sent if s.answer)
    yield from (Finding("lost", c, f"{n} webhooks became one call") for c, n in answered.items() if n > 1)
    own = [o for o in seen.orders if not o["alert_id"]]
    riding = Counter(call_id for o in own for call_id in o["call_ids"])
    yield from (Finding("doubled", c, f"rides in {n} orders") for c, n in riding.items() if n > 1)
    ids = Counter(o["order_id"] for o in seen.orders)
    yield from (Finding("doubled", o, f"is listed {n} times") for o, n in ids.items() if n > 1)


def _orders(seen: Seen) -> Iterator[Finding]:
    """No order without a call or an alert that asked for it; every one at its end."""
    told = {s.answer["order_id"] for s in seen.sent if s.answer}
    instructed = {a["order_id"] for a in seen.alerts if a["order_id"]}
    proposed = {e.data["order_id"] for e in seen.entries("alert.letter", "alert.patrol")}
    for order in seen.orders:
        if order["order_id"] not in (instructed if order["alert_id"] else told) | proposed:
            yield Finding("doubled", order["order_id"], "nobody was told of this order")
        if order["state"] not in FINAL_ORDER:
            owes = order["due"]["step"] if order["due"] else "nothing"
            yield Finding("stuck", order["order_id"], f"is {order['state']} at {order['body']['id']}, owes {owes}")


def _repeats(seen: Seen) -> Iterator[Finding]:
    """The same webhook again has the same answer."""
    for sent, again in seen.repeated:
        if again != sent.answer:
            yield Finding("doubled", sent.webhook_id, "the same webhook again was answered otherwise")


def _alerts(seen: Seen) -> Iterator[Finding]:
    """Every alert at its end; an alert told in an answer exists."""
    known = {a["alert_id"] for a in seen.alerts}
    for alert in seen.alerts:
        if alert["state"] not in FINAL_ALERT:
            yield Finding("stuck", alert["alert_id"], f"is {alert['state']}")
    for sent in seen.sent:
        for told in sent.answer.get("alerts", ()):
            if told["alert_id"] not in known:
                yield Finding("lost", told["alert_id"], "was told in an answer and is not listed")


def _deliveries(seen: Seen) -> Iterator[Finding]:
    """What the time lines call delivered was received, and what was received they call delivered, by webhook-id."""
    accepted = {m["webhook_id"]: m for m in seen.messages if m["accepted"]}
    delivered = Counter(e.data["message_id"] for e in seen.entries("message.delivered"))
    for message_id, n in delivered.items():
        if message_id not in accepted:
            yield Finding("lost", message_id, "the time line says delivered, no body received it")
        elif n > 1:
            yield Finding("doubled", message_id, f"is {n} times delivered in the time line")
    for message_id, message in accepted.items():
        told_of = message["type"].partition(".")[0] in _WITH_LINES
        if told_of and message_id not in delivered and message_id not in seen.fresh:
            yield Finding("unlike", message_id, f"{message['body']} received it, the time line does not say so")
        if message["changed"]:
            yield Finding("unlike", message_id, "another try carried other data under the same id")


def _sendings(seen: Seen) -> Iterator[Finding]:
    """Each sending in a time line is exactly one message at exactly that body, and holds the right holder."""
    kinds = ("order.sent", "alert.instruction")
    received = Counter((m["subject"], m["version"], m["body"]) for m in seen.messages if m["type"] in kinds)
    fresh = {(m["subject"], m["version"], m["body"]) for m in seen.messages if m["webhook_id"] in seen.fresh}
    expected = Counter((e.subject, e.data["version"], e.data["to"]) for e in seen.entries("order.sent"))
    for key, n in (expected - received).items():
        yield Finding("lost", key[0], f"version {key[1]} never came to {key[2]} ({n})")
    for key, n in (received - expected).items():
        if key in fresh:
            continue
        yield Finding("doubled", key[0], f"version {key[1]} came to {key[2]} {n} times more than sent")
    for message in seen.messages:
        if message["type"] in kinds and message["holder"] != message["body"]:
            yield Finding("wrong_body", message["webhook_id"], f"for {message['holder']}, came to {message['body']}")


def _supervision(seen: Seen) -> Iterator[Finding]:
    """Each reminder, overdue mark and rung of the ladder in a time line reached somebody."""
    received = {(m["subject"], m["version"], m["type"]) for m in seen.messages}
    for entry in seen.entries("order.reminder", "order.overdue", "order.supervised"):
        if (entry.subject, entry.data["version"], entry.what) not in received:
            yield Finding("lost", entry.subject, f"{entry.what} of version {entry.data['version']} came to nobody")


def _lines(seen: Seen) -> Iterator[Finding]:
    """Versions in a time line never go back."""
    for order in seen.orders:
        versions = [line["data"]["version"] for line in order["line"] if line["what"].startswith("order.")]
        if versions != sorted(versions):
            yield Finding("out_of_order", order["order_id"], f"versions {versions}")


def _answers(seen: Seen) -> Iterator[Finding]:
    """The body named in the answer of a call that opened an order is the one the order was first sent to."""
    first: dict[str, str] = {}
    for entry in seen.entries("order.sent"):
        first.setdefault(entry.subject, entry.data["to"])
    for sent in seen.sent:
        decision = sent.answer.get("decision") or {}
        opened = (
            sent.answer
            and sent.answer["order_id"]
            and not decision["review"]
            and decision["handoff"] not in ("join", "none")
        )
        if opened and first.get(sent.answer["order_id"]) != (decision["body"] or {}).get("id"):
            yield Finding("wrong_body", sent.answer["order_id"], "was first sent elsewhere than the answer says")


def _rest(seen: Seen) -> Iterator[Finding]:
    """Nothing left in the queues; every message was believed; the people had no faults."""
    dead = sum(m["accepted"] == 0 for m in seen.messages)
    for name, allowed in (("outbox", 0), ("pending", 0), ("retry", dead), ("dead", dead)):
        if seen.queues.get(name, 0) > allowed:
            yield Finding("stuck", f"queue {name}", f"{seen.queues[name]} wait, {allowed} may")
    for reason, n in seen.unbelieved.items():
        yield Finding("unbelieved", "messages", f"{n} times: {reason}")
    for fault in seen.faults:
        yield Finding("unlike", "people", fault)


CHECKS: tuple[Callable[[Seen], Iterator[Finding]], ...] = (
    _calls,
    _call_ids,
    _orders,
    _repeats,
    _alerts,
    _deliveries,
    _sendings,
    _supervision,
    _lines,
    _answers,
    _rest,
)
