"""Supervision 督办: what a clock that ran out does. Reminder before, overdue mark at, ladder after, never silent."""

from collections.abc import Iterable

from engine.loop.clocks import OFFICER_STEPS, next_alarm, procedure_of, rung_at
from engine.loop.notices import SYSTEM, entry, notice, superior
from engine.loop.opening import put_out
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.circle import Errand, nearest
from engine.model.city import City, Procedure, Rung
from engine.model.message import LogEntry, Message, MessageType
from engine.model.order import Event, Order, State
from engine.model.units import FreeUnit, UnitChoice
from engine.model.values import replace

_MOST_UNITS = 2
"""Units asked one after the other; then their station says who goes."""
_REPEAT = Rung(after=0, tell=("officer", "leader"))


def tick(order: Order, city: City, now: Instant, free: Iterable[FreeUnit] = ()) -> Change:
    """Everything the order's clock owes up to `now`, as one change; an empty change when nothing is due.

    `free` are the free units near it, for an order whose unit does not sign.
    """
    if not order.is_open or order.alarm_at is None or order.alarm_at > now:
        return Change()
    procedure = procedure_of(order, city)
    ringing, version = order, order.version + 1
    messages: list[Message] = []
    log: list[LogEntry] = []
    while ringing.alarm_at is not None and ringing.alarm_at <= now:
        repeats = ringing.overdue and ringing.rung >= len(procedure.ladder)
        ringing, rung = _ring(ringing, version, procedure, city, now, messages, log)
        if rung and rung.next_unit and _unit_is_silent(ringing):
            return _next_unit(ringing, city, now, free, Change(messages=tuple(messages), log=tuple(log)))
        if rung and rung.take_over and _can_take_over(ringing, city):
            return _taken_over(ringing, city, now, Change(messages=tuple(messages), log=tuple(log)))
        if repeats:
            break  # after a long silence the repeats behind the ladder speak once, not for each day
    ringing = _not_before_now(ringing, procedure, now)
    return Change(orders=(ringing,), messages=tuple(messages), log=tuple(log))


def _ring(
    order: Order,
    version: int,
    procedure: Procedure,
    city: City,
    now: Instant,
    messages: list[Message],
    log: list[LogEntry],
) -> tuple[Order, Rung | None]:
    """One alarm, in the order's new version. Adds what it says to `messages` and `log`.

    Answers the rung of the ladder, if it was one. Nobody is reminded of what is overdue already.
    """
    assert order.due is not None  # noqa: S101 - an alarm is set only with a due step
    due = order.due
    step = due.step.value
    rung: Rung | None = None
    if now < due.at:
        order = replace(order, version=version, reminded=True)
        _say(order, city, MessageType.ORDER_REMINDER, (_holder(order, city),), now, messages, step=step)
        log.append(entry(order, "reminder", SYSTEM, now, f"即将超时：{step}", step=step))
    elif not order.overdue:
        marked = order.overdue_count + 1
        order = replace(order, version=version, overdue=True, reminded=True, overdue_count=marked)
        _say(order, city, MessageType.ORDER_OVERDUE, (_holder(order, city),), now, messages, step=step)
        log.append(entry(order, "overdue", SYSTEM, now, f"已超时：{step}", step=step, late_ms=now - due.at))
    else:
        rung = procedure.ladder[order.rung] if order.rung < len(procedure.ladder) else _REPEAT
        order = replace(order, version=version, rung=order.rung + 1)
        told = _told(order, rung, city)
        _say(order, city, MessageType.ORDER_SUPERVISED, told, now, messages, step=step, rung=order.rung)
        named = "、".join(city.bodies[b].name for b in told)
        log.append(
            entry(order, "supervised", SYSTEM, now, f"督办第 {order.rung} 级：{named}", step=step, to=list(told))
        )
    return replace(order, alarm_at=next_alarm(order, procedure)), rung


def _say(
    order: Order,
    city: City,
    kind: MessageType,
    to: tuple[str, ...],
    now: Instant,
    messages: list[Message],
    **more: object,
) -> None:
    for body in to:
        messages.append(notice(order, city, kind, body, now, len(messages), **more))


def _holder(order: Order, city: City) -> str:
    """Who owes the step: the command room for its own steps, else the body."""
    return city.command_body if order.due and order.due.step in OFFICER_STEPS else order.body_id


def _told(order: Order, rung: Rung, city: City) -> tuple[str, ...]:
    """Bodies a rung names."""
    roles = {
        "holder": _holder(order, city),
        "officer": city.command_body,
        "leader": city.leader_body or city.command_body,
        "superior": superior(city, order.body_id),
    }
    found = (roles.get(name, name) for name in rung.tell)
    return tuple(dict.fromkeys(b for b in found if b in city.bodies))


def _can_take_over(order: Order, city: City) -> bool:
    """The command room's own steps, and what the top holds already, cannot go higher."""
    assert order.due is not None  # noqa: S101 - as above
    body = city.bodies.get(order.body_id)
    return order.due.step not in OFFICER_STEPS and body is not None and bool(body.parent)


def _unit_is_silent(order: Order) -> bool:
    return bool(order.unit_id) and order.due is not None and order.due.step is Event.SIGN


def _next_unit(order: Order, city: City, now: Instant, free: Iterable[FreeUnit], said: Change) -> Change:
    """The next nearest unit, or, when there is none or two were asked, the station of the duty table."""
    tried = (*order.units_tried, order.unit_id)
    choice = None
    if len(tried) < _MOST_UNITS:
        bodies = tuple(b for b in (order.first_body_id, *order.fallbacks) if b in city.bodies)
        errand = Errand(bodies, order.procedure, order.grade, order.place_class, tried)
        choice = nearest(free, city, now, errand)
    home = order.first_body_id if order.first_body_id in city.bodies else order.body_id
    body = choice.body_id if choice else home
    to = _named(choice.unit_id, city) if choice else f"{city.bodies[body].name}指派警力"
    why = f"{_named(order.unit_id, city)}未在时限内签收，改由{to}" + (f"，{_how_far(choice)}" if choice else "")
    moved = replace(order, body_id=body, unit_id=choice.unit_id if choice else "", units_tried=tried)
    return _passed_on(moved, order.body_id, city, now, why, "next_unit", said)


def _named(unit_id: str, city: City) -> str:
    return city.units[unit_id].name if unit_id in city.units else unit_id


def _how_far(choice: UnitChoice) -> str:
    return f"距现场约 {choice.metres} 米，预计 {choice.seconds} 秒到达"


def _taken_over(order: Order, city: City, now: Instant, said: Change) -> Change:
    """The superior becomes the holder and the order starts again with it."""
    above = superior(city, order.body_id)
    why = f"{city.bodies[order.body_id].name}未在时限内办理，由上级{city.bodies[above].name}接办"
    moved = replace(order, body_id=above, unit_id="")
    return _passed_on(moved, order.body_id, city, now, why, "taken_over", said)


def _passed_on(order: Order, before: str, city: City, now: Instant, why: str, what: str, said: Change) -> Change:
    """The order starts again with its new holder; the one before hears that it was relieved."""
    relieved = before != order.body_id
    moved = replace(order, state=State.SENT, passed=(*order.passed, before) if relieved else order.passed)
    sent = put_out(moved, city, now, SYSTEM, why, reasons=[why])
    messages = list(sent.messages)
    if relieved:
        messages.append(notice(sent.orders[0], city, MessageType.ORDER_UPDATED, before, now, 99, event=what, note=why))
    note = entry(order, what, SYSTEM, now, why, to=order.body_id, unit=order.unit_id)
    renumbered = tuple(replace(m, message_id=f"{m.message_id}s") for m in messages)
    return said + Change(log=(note,)) + replace(sent, messages=renumbered)


def _not_before_now(order: Order, procedure: Procedure, now: Instant) -> Order:
    """After a long silence (a clock that leapt) the ladder goes on from now instead of catching up for ever."""
    if order.alarm_at is None or order.alarm_at > now:
        return order
    missed = (now - order.alarm_at) // (procedure.ladder_repeat * 1000)
    rung = order.rung + missed + 1
    return replace(order, rung=rung, alarm_at=rung_at(order, procedure, rung))
