"""Made-up days of the sample city: real decisions, real moves of the loop, real time lines; chance says which."""

import random
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.errors import Illegal
from engine.loop import (
    Opening,
    apply,
    assign,
    check_back,
    join,
    legal_moves,
    open_alert,
    open_order,
    review_alert,
    tick,
)
from engine.model.alert import Alert, AlertState
from engine.model.call import Call, Caller, Channel
from engine.model.change import CallOutcome, Change
from engine.model.city import City
from engine.model.decision import Decision, Handoff, Links
from engine.model.message import LogEntry
from engine.model.order import Actor, Event, Order, OrderEvent, State
from engine.model.reading import Matter, Place, Reading, Reason
from engine.model.values import replace

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MONDAY = 1_767_542_400_000  # 5 January 2026, 00:00 in the city
_KINDS: tuple[tuple[Matter, Handoff, str, str, str], ...] = (
    (Matter.POLICE, Handoff.DISPATCH, "police_dispatch", "order.fight", "wc-gl-station"),
    (Matter.POLICE, Handoff.DISPATCH, "police_dispatch", "order.noise", "qy-ql-station"),
    (Matter.GOVERNMENT, Handoff.WORK_ORDER, "work_order", "environment.noise_life", "wc-chengguan"),
    (Matter.GOVERNMENT, Handoff.TRANSFER, "live_transfer", "urban.road", "hot-12345"),
    (Matter.LOCAL, Handoff.WORK_ORDER, "dispute_mediation", "dispute.family", "wc-gl-office"),
)
_AREAS = (("wc", "wc-gl"), ("wc", "wc-tc"), ("qy", "qy-ql"))


@dataclass
class Days:
    """What the store would hold."""

    city: City
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    lines: dict[str, list[LogEntry]] = field(default_factory=dict)
    changes: list[tuple[Change, int]] = field(default_factory=list)

    def take(self, change: Change, now: int) -> None:
        self.changes.append((change, now))
        self.orders |= {o.order_id: o for o in change.orders}
        self.alerts |= {a.alert_id: a for a in change.alerts}
        for each in change.log:
            self.lines.setdefault(each.subject, []).append(each)


def days(city: City, seed: int, calls: int, *, length: int = 10 * DAY, start: int = MONDAY) -> Days:
    """`calls` calls over `length` milliseconds from `start`, each walked on by chance."""
    made, chance = Days(city), random.Random(seed)
    for n in range(calls):
        at = start + chance.randrange(length)
        _call(made, chance, f"C{seed}.{n}", at)
    for n in range(calls // 6):
        _alert(made, chance, f"A{seed}.{n}", start + chance.randrange(length))
    return made


def _call(made: Days, chance: random.Random, call_id: str, at: int) -> None:
    decision = _decision(chance)
    call = Call(
        call_id, made.city.id, at, Channel.POLICE_LINE, f"第 {call_id} 个来电", Caller(f"h{chance.randrange(9)}")
    )
    call = replace(call, sealed="sealed-contact")
    change, joined = open_order(Opening("O" + call_id[1:], call, decision), made.city, at), False
    open_now = [o for o in made.orders.values() if o.is_open and o.state is not State.REVIEW and not o.alert_id]
    if open_now and chance.random() < 0.15:
        change, joined = join(chance.choice(open_now), call, made.city, at), True
        decision = replace(decision, handoff=Handoff.JOIN)
    order = change.orders[0].order_id if change.orders else ""
    outcome = CallOutcome(call_id, order, decision, Links(), _reading(decision), (), joined)
    plain = msgspec.json.decode(msgspec.json.encode({"call": call, "outcome": outcome}))
    made.calls[call_id] = plain | {"answer": {"call_id": call_id}, "hook": f"hook-{call_id}"}
    made.lines[call_id] = [LogEntry(at, call_id, "call.accepted", "110")]
    made.take(replace(change, outcome=outcome), at)
    if order and not joined:
        _walk(made, chance, order, decision)


def _decision(chance: random.Random) -> Decision:
    matter, handoff, procedure, category, body = chance.choice(_KINDS)
    review = chance.random() < 0.1
    district, township = chance.choice(_AREAS)
    return Decision(
        matter=matter,
        category=category,
        group="x",
        confidence=round(chance.random(), 3),
        danger=chance.random() < 0.1,
        review=review,
        handoff=Handoff.NONE if review else handoff,
        body_id="" if chance.random() < 0.05 else "cmd-110" if review else body,
        fallbacks=("wc-branch", "hot-12345"),
        joint=(),
        procedure="review" if review else procedure,
        grade=chance.choice(["red", "yellow", "blue"]),
        place=Place(district=district, township=township, address_key=f"{township}:望潮路{chance.randrange(3)}号"),
        reasons=(Reason("x", "说明"),),
    )


def _reading(decision: Decision) -> Reading:
    return Reading(
        decision.matter,
        decision.category,
        "x",
        decision.danger,
        decision.confidence,
        decision.review,
        place=decision.place,
    )


def _walk(made: Days, chance: random.Random, order_id: str, decision: Decision) -> None:
    """Some moves at chance instants; clocks that run out in between ring."""
    now = made.orders[order_id].opened_at
    for _ in range(chance.randrange(18)):
        now += int(chance.expovariate(1 / chance.choice([MINUTE, MINUTE, 10 * MINUTE, 40 * MINUTE, 9 * HOUR])))
        order = made.orders[order_id]
        if (rung := tick(order, made.city, now)) != Change():
            made.take(rung, now)
            order = made.orders[order_id]
        if order.state in (State.REVIEW, State.RETURNED):
            matter, handoff, procedure, category, body = chance.choice(_KINDS)
            settled = replace(
                decision,
                matter=matter,
                handoff=handoff,
                procedure=procedure,
                category=category,
                body_id=body,
                review=False,
            )
            made.take(assign(order, settled, made.city, now, "officer", "人工研判"), now)
            continue
        _move(made, chance, order, now)


def _move(made: Days, chance: random.Random, order: Order, now: int) -> None:
    actor = chance.choice([Actor.BODY, Actor.OFFICER])
    legal = [e for e in legal_moves(order, made.city, actor) if e is not Event.REOPEN or chance.random() < 0.2]
    rare = {Event.CANCEL: 0.05, Event.REJECT: 0.1, Event.RETURN: 0.2, Event.NOTE: 0.2, Event.SUPPLEMENT: 0.2}
    weights = [rare.get(e, 1) for e in legal]
    if not legal:
        return
    kind = chance.choices(legal, weights)[0]
    data: dict[str, Any] = {}
    if kind is Event.CALL_BACK:
        data = {"solved": chance.random() < 0.8} | (
            {"satisfied": chance.random() < 0.7} if chance.random() < 0.6 else {}
        )
    said = now - chance.randrange(5 * MINUTE) if chance.random() < 0.3 else now
    try:
        change = apply(order, OrderEvent(kind, said, actor, order.body_id, "说明", data), made.city, now)
    except Illegal:
        return
    made.take(change, now)
    after = made.orders[order.order_id]
    if after.alert_id and (follow := check_back(made.alerts[after.alert_id], after, now)) != Change():
        made.take(follow, now)


def _alert(made: Days, chance: random.Random, alert_id: str, at: int) -> None:
    state = chance.choice([AlertState.REVIEW, AlertState.REVIEW, AlertState.INSTRUCTED, AlertState.SHADOW])
    alert = Alert(
        alert_id, made.city.id, 1, chance.choice(["m1", "m2"]), "1", "t", "red", state, "g", "说", "warning_check",
        "wc-gl-station", at, (next(iter(made.calls)),), (), district="wc", township="wc-gl",
    )  # fmt: skip
    made.take(open_alert(alert, made.city, at, category="order.fight", place=Place("wc", "wc-gl")), at)
    if state is AlertState.REVIEW and chance.random() < 0.7:
        later = at + chance.randrange(10 * MINUTE)
        verdict = chance.choice(["confirm", "dismiss"])
        made.take(review_alert(made.alerts[alert_id], made.city, later, "officer", verdict, "说明"), later)
    if order := made.alerts[alert_id].order_id:
        _walk(made, chance, order, _decision(chance))
