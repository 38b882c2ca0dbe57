"""A unit sent with an order: named in the message, replaced when it does not sign, free again when it reported."""

from errands import MINUTE, REJECT, REPORT, RETURN, SIGN, STATION, T0, VERIFY, after, dispatched, moved, opened

from engine.loop import tick
from engine.model.city import City
from engine.model.message import MessageType
from engine.model.order import Actor, Event, Order, State
from engine.model.units import FreeUnit, UnitChoice
from engine.model.values import replace

UNIT, NEIGHBOUR = "fast-hosp-first", "wc-tc-station"
CHOICE = UnitChoice(UNIT, STATION, 300, 47, 300, STATION)
SIGN_BY = T0 + MINUTE
NEAR = (FreeUnit(UNIT, 300.0, 0), FreeUnit("wc-gl-crew", 900.0, 0))


def sent(city: City, choice: UnitChoice = CHOICE) -> Order:
    return opened(city, dispatched(unit=choice, body_id=choice.body_id))


def test_the_message_names_the_unit(city: City) -> None:
    order = sent(city)
    assert (order.unit_id, order.unit_at_work) == (UNIT, UNIT)
    told = tick(order, city, SIGN_BY).messages[0]
    assert told.data["unit"]["name"] == "市一医院快反点"


def test_a_unit_that_does_not_sign_is_replaced_by_the_next_and_then_by_its_station(city: City) -> None:
    order = sent(city)
    change = tick(order, city, SIGN_BY, NEAR)
    second = change.orders[0]
    assert (second.unit_id, second.units_tried, second.state) == ("wc-gl-crew", (UNIT,), State.SENT)
    assert second.due is not None
    assert second.due.at > SIGN_BY, "its own time to sign"
    assert [m.type for m in change.messages] == [
        MessageType.ORDER_OVERDUE,
        MessageType.ORDER_SUPERVISED,
        MessageType.ORDER_SUPERVISED,
        MessageType.ORDER_SENT,
    ]
    assert len({m.message_id for m in change.messages}) == 4
    assert "市一医院快反点未在时限内签收，改由鼓澜派出所值班组" in change.log[-1].text or any(
        "改由鼓澜派出所值班组" in entry.text for entry in change.log
    )
    third = tick(second, city, second.due.at, NEAR).orders[0]
    assert (third.unit_id, third.body_id, third.units_tried) == ("", STATION, (UNIT, "wc-gl-crew"))
    assert third.due is not None
    last = tick(third, city, third.due.at + 5 * MINUTE, NEAR).orders[0]
    assert last.body_id == "wc-branch", "the station was silent too: its superior takes over"


def test_without_another_unit_the_station_says_who_goes(city: City) -> None:
    after_sign = tick(sent(city), city, SIGN_BY, (FreeUnit(UNIT, 300.0, 0),)).orders[0]
    assert (after_sign.unit_id, after_sign.body_id) == ("", STATION)


def test_a_silent_neighbour_is_relieved_by_the_own_station(city: City) -> None:
    neighbour = sent(city, UnitChoice("wc-tc-crew", NEIGHBOUR, 100, 20, 300, STATION))
    assert (neighbour.body_id, neighbour.first_body_id) == (NEIGHBOUR, STATION)
    change = tick(neighbour, city, SIGN_BY, ())
    assert (change.orders[0].body_id, change.orders[0].passed) == (STATION, (NEIGHBOUR,))
    assert change.messages[-1].body_id == NEIGHBOUR


def test_a_unit_is_at_work_until_it_reported(city: City) -> None:
    order = sent(city)
    states = {}
    for step in (SIGN, (Event.ARRIVE, Actor.BODY), REPORT, VERIFY):
        order = after(order, city, step, at=T0 + MINUTE)
        states[order.state] = order.unit_at_work
    assert states == {State.SIGNED: UNIT, State.ARRIVED: UNIT, State.REPORTED: "", State.VERIFIED: ""}
    assert after(order, city, REJECT, at=T0 + MINUTE).unit_id == "", "it may be elsewhere by now"


def test_a_returned_order_lets_its_unit_go(city: City) -> None:
    order = replace(sent(city), fallbacks=("wc-branch",))
    returned = moved(order, city, RETURN[0], T0 + 1).orders[0]
    assert (returned.body_id, returned.unit_id) == ("wc-branch", "")
