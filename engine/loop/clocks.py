"""Clocks of an order: which step it owes, until when, and when the next alarm rings. All stored instants."""

from typing import Any

from engine.model.calendar import add_length
from engine.model.call import Instant
from engine.model.circle import lengths
from engine.model.city import City, Length, Procedure, StepRule
from engine.model.decision import Handoff
from engine.model.order import Due, Event, Order, State
from engine.model.values import replace

_REACHED_BY = {
    State.SENT: Event.ASSIGN,
    State.REOPENED: Event.ASSIGN,
    State.SIGNED: Event.SIGN,
    State.ARRIVED: Event.ARRIVE,
    State.REPORTED: Event.REPORT,
    State.VERIFIED: Event.VERIFY,
}
ORDER_OF_STEPS = (Event.ASSIGN, Event.SIGN, Event.ARRIVE, Event.REPORT, Event.VERIFY, Event.CALL_BACK)
OFFICER_STEPS = frozenset({Event.ASSIGN, Event.VERIFY, Event.CALL_BACK})
"""Steps the command room owes, not the body."""
REVIEW = "review"
_FALL_BACK = {
    Handoff.DISPATCH: "police_dispatch",
    Handoff.TRANSFER: "live_transfer",
    Handoff.THREE_WAY: "live_transfer",
}


def own_procedure(order: Order, city: City) -> Procedure:
    """The order's procedure; when a change of rules took it away, the one its handoff always has."""
    found = city.procedures.get(order.procedure)
    return found or city.procedures[_FALL_BACK.get(order.handoff, "work_order")]


def procedure_of(order: Order, city: City) -> Procedure:
    """The procedure whose clock runs now: a review and a returned order wait by the review procedure."""
    return city.procedures[REVIEW] if order.state in (State.REVIEW, State.RETURNED) else own_procedure(order, city)


def owed_step(state: State, procedure: Procedure) -> StepRule | None:
    """The next step of the procedure after `state`; None when nothing is left to do."""
    if state in (State.REVIEW, State.RETURNED):
        return procedure.steps[0]
    done = _REACHED_BY.get(state)
    if done is None:
        return None
    after = ORDER_OF_STEPS.index(done)
    return next((s for s in procedure.steps if ORDER_OF_STEPS.index(s.step) > after), None)


def lengths_of(rule: StepRule, order: Order, city: City) -> tuple[Length, ...]:
    """The times that grade, place class and the holder's tier give an order for a step; the shortest counts."""
    body = city.bodies.get(order.body_id)
    return lengths(rule, order.grade, order.place_class, body.tier if body else None)


def start_clock(order: Order, city: City, now: Instant, **also: Any) -> Order:
    """The order with the clock of its present step started afresh; `also` names what else changes with it."""
    procedure = procedure_of(order, city)
    rule = owed_step(order.state, procedure) if order.is_open else None
    due = None
    if rule is not None:
        at = min(add_length(city.calendar, now, length) for length in lengths_of(rule, order, city))
        due = Due(rule.step, at, at - now)
    alarm = reminder_at(due, procedure) if due else None
    return replace(order, due=due, reminded=False, overdue=False, rung=0, paused_left=None, alarm_at=alarm, **also)


def hurried(order: Order, city: City, now: Instant) -> Order:
    """The running deadline when the grade rose meanwhile: the colour's own time, counted from now, if that is sooner.

    Nobody becomes overdue for time they were not told of; an overdue step stays overdue.
    """
    procedure = procedure_of(order, city)
    rule = owed_step(order.state, procedure) if order.is_open else None
    if order.due is None or rule is None or order.overdue:
        return order
    at = min(add_length(city.calendar, now, length) for length in lengths_of(rule, order, city))
    if order.paused_left is not None:
        return replace(order, paused_left=min(order.paused_left, at - now))
    if at >= order.due.at:
        return order
    sooner = replace(order, due=Due(rule.step, at, at - now), reminded=False)
    return replace(sooner, alarm_at=next_alarm(sooner, procedure))


def next_alarm(order: Order, procedure: Procedure) -> Instant | None:
    """When the clock does something next: reminder, overdue mark, or a rung of the ladder."""
    due = order.due
    if due is None or order.paused_left is not None:
        return None
    if procedure.remind_at and not order.reminded:
        return reminder_at(due, procedure)
    if not order.overdue:
        return due.at
    return rung_at(order, procedure, order.rung)


def reminder_at(due: Due, procedure: Procedure) -> Instant:
    """When a clock rings first: the reminder, or the deadline itself where nobody is reminded."""
    return due.at - round(due.length * (1 - procedure.remind_at)) if procedure.remind_at else due.at


def rung_at(order: Order, procedure: Procedure, rung: int) -> Instant:
    """The instant of a rung; beyond the last one the ladder repeats."""
    assert order.due is not None  # noqa: S101 - callers have a due step
    if rung < len(procedure.ladder):
        return order.due.at + procedure.ladder[rung].after * 1000
    last = procedure.ladder[-1].after if procedure.ladder else 0
    beyond = rung - len(procedure.ladder) + 1
    return order.due.at + (last + beyond * procedure.ladder_repeat) * 1000


def stop_clock(order: Order, now: Instant) -> Order:
    """Waiting for the caller: what is left is kept and nothing rings."""
    if order.due is None or order.paused_left is not None:
        return order
    return replace(order, paused_left=order.due.at - now, alarm_at=None)


def resume_clock(order: Order, city: City, now: Instant) -> Order:
    """The clock goes on with what was left."""
    if order.due is None or order.paused_left is None:
        return order
    due = replace(order.due, at=now + order.paused_left)
    resumed = replace(order, due=due, paused_left=None)
    return replace(resumed, alarm_at=next_alarm(resumed, procedure_of(resumed, city)))
