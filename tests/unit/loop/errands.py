"""Orders of the sample city for stories about the loop; instants are milliseconds after a Monday morning."""

from typing import Any

from engine.loop import Opening, apply, open_order
from engine.model.call import Call, Channel
from engine.model.change import Change
from engine.model.city import City
from engine.model.decision import Decision, Handoff
from engine.model.order import Actor, Event, Order, OrderEvent, State
from engine.model.reading import Matter, Place, Reason
from engine.model.values import replace

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_767_578_400_000
"""Monday, 5 January 2026, 10:00 in the sample city: a working day, work has begun."""
STATION, BRANCH = "wc-gl-station", "wc-branch"
DISTRICT, CITY_BODY, HOTLINE = "wc-chengguan", "city-chengguan", "hot-12345"


def decided(**other: Any) -> Decision:
    """A plain work order to a district body; fields may be named otherwise."""
    plain = Decision(
        matter=Matter.GOVERNMENT,
        category="environment.noise_life",
        group="环境保护",
        confidence=0.97,
        danger=False,
        review=False,
        handoff=Handoff.WORK_ORDER,
        body_id=DISTRICT,
        fallbacks=(CITY_BODY, HOTLINE),
        joint=(),
        procedure="work_order",
        grade="green",
        place=Place(district="wc", township="wc-gl"),
        reasons=(Reason("not_urgent", "非紧急事项"),),
    )
    return replace(plain, **other)


def dispatched(**other: Any) -> Decision:
    """Police go."""
    police = {
        "matter": Matter.POLICE,
        "category": "order.fight",
        "handoff": Handoff.DISPATCH,
        "body_id": STATION,
        "fallbacks": (BRANCH,),
        "procedure": "police_dispatch",
        "grade": "yellow",
    }
    return decided(**(police | other))


def a_call(n: int = 1, at: int = T0) -> Call:
    return Call(f"C{n}", "cj", at, Channel.POLICE_LINE, "楼下烧烤店半夜还在放音响")


def opened(city: City, decision: Decision | None = None, now: int = T0) -> Order:
    """An order as it stands right after its call."""
    return open_order(Opening("O1", a_call(at=now), decision or decided()), city, now).orders[-1]


def happened(kind: Event, at: int, actor: Actor = Actor.BODY, note: str = "", **data: Any) -> OrderEvent:
    return OrderEvent(kind, at, actor, "somebody", note, data)


def moved(order: Order, city: City, kind: Event, at: int, actor: Actor = Actor.BODY, **data: Any) -> Change:
    return apply(order, happened(kind, at, actor, **data), city, at)


def after(order: Order, city: City, *steps: tuple[Event, Actor], at: int = T0 + MINUTE) -> Order:
    """The order after some steps, a minute apart."""
    for n, (kind, actor) in enumerate(steps):
        order = moved(order, city, kind, at + n * MINUTE, actor).orders[-1]
    return order


SIGN, ARRIVE, REPORT = (Event.SIGN, Actor.BODY), (Event.ARRIVE, Actor.BODY), (Event.REPORT, Actor.BODY)
RETURN = (Event.RETURN, Actor.BODY)
VERIFY, CALL_BACK = (Event.VERIFY, Actor.OFFICER), (Event.CALL_BACK, Actor.OFFICER)
REJECT, CANCEL, REOPEN = (Event.REJECT, Actor.OFFICER), (Event.CANCEL, Actor.OFFICER), (Event.REOPEN, Actor.OFFICER)
ALL_OPEN = (State.REVIEW, State.SENT, State.SIGNED, State.ARRIVED, State.REPORTED, State.VERIFIED)


def in_state(city: City, state: State) -> Order:
    """An order of a procedure with every step, walked to `state` by legal moves."""
    if state in (State.REVIEW, State.JOINED):
        held = decided(review=True, handoff=Handoff.NONE, body_id=city.command_body, fallbacks=(), procedure="review")
        order = opened(city, held)
        return order if state is State.REVIEW else replace(order, state=State.JOINED, due=None, alarm_at=None)
    order = opened(city, dispatched(fallbacks=()))
    ways: dict[State, tuple[tuple[Event, Actor], ...]] = {
        State.SENT: (),
        State.SIGNED: (SIGN,),
        State.ARRIVED: (SIGN, ARRIVE),
        State.REPORTED: (SIGN, ARRIVE, REPORT),
        State.VERIFIED: (SIGN, ARRIVE, REPORT, VERIFY),
        State.CLOSED: (SIGN, ARRIVE, REPORT, VERIFY, CALL_BACK),
        State.CANCELLED: (CANCEL,),
        State.REOPENED: (SIGN, ARRIVE, REPORT, VERIFY, CALL_BACK, REOPEN),
    }
    if state is State.RETURNED:
        return after(opened(city, dispatched(body_id="pol-traffic", fallbacks=())), city, RETURN)
    if state is State.CALLED_BACK:
        return replace(after(order, city, *ways[State.VERIFIED]), state=state, due=None, alarm_at=None)
    return after(order, city, *ways[state])
