"""Opening an order for a decided call, joining a duplicate, and assigning what a person decided."""

from msgspec import Struct

from engine.errors import Illegal
from engine.loop.clocks import hurried, start_clock
from engine.loop.notices import SYSTEM, entry, notice, stamp
from engine.model.call import Call, Instant
from engine.model.change import Change
from engine.model.city import City
from engine.model.decision import Decision, Handoff
from engine.model.message import Message, MessageType
from engine.model.order import Order, State
from engine.model.values import replace


class Opening(Struct, frozen=True):
    """What an order is opened for."""

    order_id: str
    call: Call
    decision: Decision


def open_order(opening: Opening, city: City, now: Instant) -> Change:
    """A new order, its clock running, its messages written; nothing when there is nothing to hand over."""
    decision, call = opening.decision, opening.call
    if not decision.body_id:
        return Change()
    order = Order(
        order_id=opening.order_id,
        city=call.city,
        version=1,
        state=State.REVIEW if decision.review else State.SENT,
        procedure=decision.procedure,
        matter=decision.matter,
        category=decision.category,
        grade=decision.grade,
        handoff=decision.handoff,
        body_id=decision.body_id,
        first_body_id=decision.unit.instead_of if decision.unit else decision.body_id,
        fallbacks=decision.fallbacks,
        joint=decision.joint,
        summary=call.text[:500],
        opened_at=min(call.received_at, now),  # a centre's clock may be ahead of ours
        call_ids=(call.call_id,),
        district=decision.place.district,
        township=decision.place.township,
        community=decision.place.community,
        place_class=decision.place.place_class,
        danger=decision.danger,
        unit_id=decision.unit.unit_id if decision.unit else "",
        lat=decision.place.lat if decision.place.lat is not None else call.location.lat,
        lng=decision.place.lng if decision.place.lng is not None else call.location.lng,
    )
    return put_out(order, city, now, SYSTEM, reasons=[r.text for r in decision.reasons])


def put_out(order: Order, city: City, now: Instant, who: str, text: str = "", *, reasons: list[str]) -> Change:
    """An order that goes to its holder: clock started, `order.sent` to it and `order.joint` to the joint bodies."""
    order = start_clock(order, city, now, entered=order.entered | {order.state.value: now})
    if order.state is State.REVIEW:
        return Change(orders=(order,), log=(entry(order, "review", who, now, text or "待人工研判", reasons=reasons),))
    kind = MessageType.ALERT_INSTRUCTION if order.alert_id else MessageType.ORDER_SENT
    messages = [notice(order, city, kind, order.body_id, now, 0, reasons=reasons)]
    if order.version == 1 or order.danger:
        messages += _joint(order, city, now)
    due = stamp(order.due.at, city) if order.due else ""
    line = entry(order, "sent", who, now, text, to=order.body_id, due=due, handoff=order.handoff)
    return Change(orders=(order,), messages=tuple(messages), log=(line,))


def _joint(order: Order, city: City, now: Instant) -> list[Message]:
    """Messages to the bodies informed at once beside the first."""
    others = [b for b in order.joint if b != order.body_id and b in city.bodies]
    return [notice(order, city, MessageType.ORDER_JOINT, b, now, n) for n, b in enumerate(others, 1)]


def join(order: Order, call: Call, city: City, now: Instant) -> Change:
    """A duplicate rides on the open order: no second crew, but the body hears "third call" and the grade may rise."""
    if call.call_id in order.call_ids:
        return Change()
    calls = (*order.call_ids, call.call_id)
    grade = _raised(order.grade, city) if len(calls) in city.links.raise_at else order.grade
    joined = hurried(replace(order, version=order.version + 1, call_ids=calls, grade=grade), city, now)
    said = f"第 {len(calls)} 次来电报同一件事" + (f"，升为{city.grades[grade].name}" if grade != order.grade else "")
    message = notice(
        joined, city, MessageType.ORDER_UPDATED, order.body_id, now, 0, reason="duplicate", text=said, added=call.text
    )
    line = entry(joined, "joined", SYSTEM, now, said, call_id=call.call_id, grade=grade)
    return Change(orders=(joined,), messages=(message,), log=(line,))


def split_off(order: Order, call: Call, opened: Change, city: City, now: Instant, who: str, reason: str) -> Change:
    """A wrongly joined call leaves `order` for the one in `opened`. Raises `Illegal` unless it rides there."""
    if call.call_id not in order.call_ids or call.call_id == order.call_ids[0]:
        raise Illegal(f"call {call.call_id} does not ride on order {order.order_id}", ())
    own = opened.orders[0]
    rest = tuple(c for c in order.call_ids if c != call.call_id)
    left = replace(order, version=order.version + 1, call_ids=rest)
    said = f"来电 {call.call_id} 系另一事项，已拆出另立 {own.order_id}"
    messages = (
        (notice(left, city, MessageType.ORDER_UPDATED, left.body_id, now, 0, reason="split", text=said),)
        if left.is_open
        else ()
    )
    out = entry(left, "split", who, now, f"{said}：{reason}", call_id=call.call_id, into=own.order_id)
    told = entry(own, "split_from", who, now, f"从 {order.order_id} 拆出：{reason}", call_id=call.call_id)
    return Change(orders=(left,), messages=messages, log=(out,)) + opened + Change(log=(told,))


def join_by_hand(own: Order, target: Order, call: Call, city: City, now: Instant, who: str, reason: str) -> Change:
    """A person finds that a call's own order reports what `target` is about: one crew, the other is told to stop.

    Raises `Illegal` unless both are open and the own order carries this call alone.
    """
    if own.order_id == target.order_id or not (own.is_open and target.is_open) or own.call_ids != (call.call_id,):
        raise Illegal(f"call {call.call_id} cannot join: both orders must be open and its own must carry it alone", ())
    at = own.entered | {State.JOINED.value: now}
    ended = replace(own, version=own.version + 1, state=State.JOINED, due=None, alarm_at=None, paused_left=None)
    ended = replace(ended, entered=at)
    told = f"并入 {target.order_id}：{reason}"
    bodies = dict.fromkeys(b for b in (own.body_id, *own.joint) if b in city.bodies)
    messages = tuple(
        notice(ended, city, MessageType.ORDER_CANCELLED, b, now, n, event="join", note=told)
        for n, b in enumerate(bodies)
    )
    line = entry(ended, "joined_by_hand", who, now, told, into=target.order_id)
    return Change(orders=(ended,), messages=messages, log=(line,)) + join(target, call, city, now)


def _raised(grade: str, city: City) -> str:
    """One colour more serious; red stays red."""
    now = city.grades[grade].rank if grade in city.grades else 0
    above = [g for g in city.grades.values() if g.rank < now]
    return max(above, key=lambda g: g.rank).id if above else grade


def reassign(order: Order, body_id: str, city: City, now: Instant, who: str, reason: str) -> Change:
    """A person decides who gets an order that came back. Raises `Illegal` unless it waits for that."""
    if order.state is not State.RETURNED:
        raise Illegal(f"order {order.order_id} is {order.state.value}: it waits for nobody to name a body", ())
    sent = replace(
        order, version=order.version + 1, state=State.SENT, body_id=body_id, first_body_id=body_id, unit_id=""
    )
    return put_out(sent, city, now, who, reason, reasons=[reason])


def assign(order: Order, decision: Decision, city: City, now: Instant, who: str, reason: str) -> Change:
    """A person decided a review or a returned order: it goes to the body decided, by its procedure."""
    sent = replace(
        order,
        version=order.version + 1,
        state=State.SENT,
        procedure=decision.procedure,
        matter=decision.matter,
        category=decision.category,
        grade=decision.grade,
        handoff=Handoff.WORK_ORDER if decision.handoff is Handoff.NONE else decision.handoff,
        body_id=decision.body_id,
        first_body_id=decision.unit.instead_of if decision.unit else decision.body_id,
        fallbacks=decision.fallbacks,
        joint=decision.joint,
        danger=decision.danger,
        unit_id=decision.unit.unit_id if decision.unit else "",
        units_tried=(),
    )
    return put_out(sent, city, now, who, reason, reasons=[r.text for r in decision.reasons])
