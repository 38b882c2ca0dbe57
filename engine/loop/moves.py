"""Moves of an order: what is legal now, and what an event changes."""

from engine.errors import Illegal
from engine.loop.clocks import REVIEW, owed_step, own_procedure, resume_clock, start_clock, stop_clock
from engine.loop.notices import SYSTEM, entry, notice, superior
from engine.loop.opening import put_out
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import City, Procedure
from engine.model.message import LogEntry, Message, MessageType
from engine.model.order import TRANSITIONS, Actor, Event, Order, OrderEvent, State, Transition
from engine.model.values import replace

_PLAIN_STEPS = frozenset({Event.SIGN, Event.ARRIVE, Event.REPORT, Event.VERIFY, Event.CALL_BACK})
_BODY_AT_WORK = frozenset({State.SIGNED, State.ARRIVED})
"""Where a body may stop its own clock to wait for the caller: not before it signed, and not the room's clock."""
_SAID_EARLIER_MS = 1000
"""From this difference on the time line says when something happened beside when it was written down."""


def legal_moves(order: Order, city: City, actor: Actor) -> tuple[Event, ...]:
    """What `actor` may do to the order now; steps only in the order of the procedure."""
    return tuple(t.event for t in TRANSITIONS if _legal(t, order, city, actor))


def _legal(t: Transition, order: Order, city: City, actor: Actor) -> bool:
    if order.state not in t.sources or actor not in t.actors:
        return False
    procedure = own_procedure(order, city)
    if t.event in _PLAIN_STEPS:
        owed = owed_step(order.state, procedure)
        return owed is not None and owed.step is t.event
    if t.event is Event.RETURN:
        return order.returns < procedure.max_returns
    if t.event is Event.REJECT:
        return Event.VERIFY in {s.step for s in procedure.steps}
    return t.event is not Event.ASSIGN  # an assignment carries a decision and comes by the review


def apply(order: Order, event: OrderEvent, city: City, now: Instant) -> Change:
    """What `event` changes. Raises `Illegal`, naming the legal moves, when it cannot be done now."""
    legal = legal_moves(order, city, event.actor)
    if event.type not in legal:
        raise _illegal(order, f"{event.type.value} is not legal now", legal)
    if _waits(event) and event.actor is Actor.BODY and order.state not in _BODY_AT_WORK:
        raise _illegal(order, "its clock can be stopped by its body only after signing and before reporting", legal)
    if event.type is Event.RETURN:
        return _return(order, event, city, now)
    if event.type in (Event.NOTE, Event.SUPPLEMENT):
        return _remark(order, event, city, now)
    if event.type is Event.REOPEN or (event.type is Event.CALL_BACK and event.data.get("solved") is False):
        return _reopen(order, event, city, now)
    return _step(order, event, city, now)


def _illegal(order: Order, why: str, legal: tuple[Event, ...]) -> Illegal:
    names = tuple(e.value for e in legal)
    return Illegal(
        f"order {order.order_id} is {order.state.value}: {why}; legal now: {', '.join(names) or 'nothing'}", names
    )


def _waits(event: OrderEvent) -> bool:
    """Whether a note says that the order waits for the caller."""
    return event.type is Event.NOTE and event.data.get("waiting") is True


def _step(order: Order, event: OrderEvent, city: City, now: Instant) -> Change:
    """A plain step, a rejection or a cancellation."""
    transition = next(t for t in TRANSITIONS if t.event is event.type and order.state in t.sources)
    assert transition.target is not None  # noqa: S101 - only notes keep the state
    procedure = own_procedure(order, city)
    at = _said_at(order, event, now)
    moved = replace(
        order,
        version=order.version + 1,
        state=transition.target,
        rejects=order.rejects + (event.type is Event.REJECT),
        # A rejected order is done again: its unit may be elsewhere by now, so the body says who goes.
        unit_id="" if event.type is Event.REJECT else order.unit_id,
        result=event.note if event.type is Event.REPORT else order.result,
        entered=order.entered | {transition.target.value: at},
    )
    log = [_line(moved, event, now, at)]
    moved, closing = _finish(moved, procedure, now)
    moved = start_clock(moved, city, now)
    return Change(
        orders=(moved,), messages=_tell(moved, event, city, now), log=(*log, *(_closing(moved) if closing else ()))
    )


def _said_at(order: Order, event: OrderEvent, now: Instant) -> Instant:
    """The instant the body says, if it can be true: not in the future, not before the step before it."""
    floor = max([order.opened_at, *order.entered.values()])
    return event.at if floor <= event.at <= now else now


def _line(order: Order, event: OrderEvent, now: Instant, said_at: Instant) -> LogEntry:
    """The time line is in the order of writing; what happened earlier carries its own instant beside."""
    data = dict(event.data)
    if now - said_at >= _SAID_EARLIER_MS:
        data["said_at"] = said_at
    return entry(order, event.type.value, event.actor_name, now, event.note, **data)


def _finish(order: Order, procedure: Procedure, now: Instant) -> tuple[Order, bool]:
    """Walk on over steps nobody owes: an automatic verification, and the end."""
    if order.state is State.REPORTED and procedure.auto_verify:
        order = replace(order, state=State.VERIFIED, entered=order.entered | {State.VERIFIED.value: now})
    if order.is_open and owed_step(order.state, procedure) is None:
        order = replace(order, state=State.CLOSED)
    if order.state is State.CALLED_BACK:
        order = replace(order, state=State.CLOSED)
    if order.state is State.CLOSED:
        order = replace(order, entered=order.entered | {State.CLOSED.value: now})
        return order, True
    return order, False


def _closing(order: Order) -> tuple[LogEntry, ...]:
    at = order.entered[State.CLOSED.value]
    return (entry(order, "closed", SYSTEM, at, "全部环节完成，办结归档"),)


def _tell(order: Order, event: OrderEvent, city: City, now: Instant) -> tuple[Message, ...]:
    """Whoever must know of a move: the holder of a rejection, a cancellation, a closing."""
    kinds = {Event.REJECT: MessageType.ORDER_UPDATED, Event.CANCEL: MessageType.ORDER_CANCELLED}
    kind = kinds.get(event.type) or (MessageType.ORDER_CLOSED if order.state is State.CLOSED else None)
    if kind is None:
        return ()
    bodies = (order.body_id, *(order.joint if kind is MessageType.ORDER_CANCELLED else ()))
    return tuple(
        notice(order, city, kind, body, now, n, event=event.type.value, note=event.note)
        for n, body in enumerate(dict.fromkeys(b for b in bodies if b in city.bodies))
    )


def _remark(order: Order, event: OrderEvent, city: City, now: Instant) -> Change:
    """A note or supplement: the state stays.

    `waiting: true` stops the clock; a supplement or `waiting: false` starts it again.
    """
    noted = replace(order, version=order.version + 1)
    if _waits(event):
        noted = stop_clock(noted, now)
    elif event.type is Event.SUPPLEMENT or event.data.get("waiting") is False:
        noted = resume_clock(noted, city, now)
    line = _line(noted, event, now, _said_at(order, event, now))
    tells = event.type is Event.SUPPLEMENT and event.actor is Actor.OFFICER
    more = (
        (notice(noted, city, MessageType.ORDER_UPDATED, noted.body_id, now, 0, event="supplement", note=event.note),)
        if tells
        else ()
    )
    return Change(orders=(noted,), messages=more, log=(line,))


def _return(order: Order, event: OrderEvent, city: City, now: Instant) -> Change:
    """An objection: the next body that fits, then the superior; used up, the first receiver keeps it (首接负责)."""
    passed = (*order.passed, order.body_id)
    returns = order.returns + 1
    if returns >= own_procedure(order, city).max_returns and order.first_body_id in passed[:-1]:
        target, why = order.first_body_id, "退回次数用尽，由首接单位负责到底"
    else:
        target, why = _next_body(order, passed, city)
    moved = replace(
        order,
        version=order.version + 1,
        returns=returns,
        passed=passed,
        body_id=target,
        unit_id="",
        state=State.RETURNED if target == city.command_body else State.SENT,
        entered=order.entered | {State.RETURNED.value: now},
    )
    returned = entry(
        moved, "return", event.actor_name, now, event.note, **{**event.data, "to": target, "from": order.body_id}
    )
    if moved.state is State.RETURNED:
        waiting = start_clock(moved, city, now)
        return Change(orders=(waiting,), log=(returned, entry(waiting, "returned", SYSTEM, now, why)))
    sent = put_out(moved, city, now, SYSTEM, why, reasons=[why, f"上一单位退回理由：{event.note}"])
    boss = superior(city, target)
    named = notice(moved, city, MessageType.ORDER_SUPERVISED, boss, now, 9, reason="returned", note=event.note)
    return Change(log=(returned,)) + sent + Change(messages=(named,))


def _next_body(order: Order, passed: tuple[str, ...], city: City) -> tuple[str, str]:
    left = [b for b in order.fallbacks if b not in passed]
    if left:
        return left[0], "改派下一承接单位"
    above = superior(city, order.body_id)
    if above in passed:
        return city.command_body, "无其他承接单位，由 110 首接负责"
    return above, "改由上级单位裁定承办"


def _undecided(order: Order, city: City) -> State | None:
    """Review or returned, when a cancelled order was one nobody had decided: it goes back to whoever must decide."""
    if order.procedure == REVIEW:
        return State.REVIEW
    last_sent = max(order.entered.get(s.value, 0) for s in (State.SENT, State.REOPENED))
    unsettled = order.body_id == city.command_body and order.entered.get(State.RETURNED.value, 0) > last_sent
    return State.RETURNED if unsettled else None


def _reopen(order: Order, event: OrderEvent, city: City, now: Instant) -> Change:
    """Not solved: the same body again, its superior told."""
    if state := _undecided(order, city):
        again = replace(order, version=order.version + 1, state=state, entered=order.entered | {state.value: now})
        return Change(orders=(start_clock(again, city, now),), log=(_line(again, event, now, now),))
    at = {State.REOPENED.value: now}
    opened = replace(
        order,
        version=order.version + 1,
        state=State.REOPENED,
        entered=order.entered | at,
        unit_id="",
        units_tried=(),
    )
    log = _line(opened, event, now, now)
    sent = put_out(opened, city, now, SYSTEM, "来电人反映未解决，重新办理", reasons=[event.note or "未解决"])
    boss = superior(city, opened.body_id)
    told = notice(opened, city, MessageType.ORDER_SUPERVISED, boss, now, 9, reason="not_solved", note=event.note)
    return Change(log=(log,)) + sent + Change(messages=(told,))
