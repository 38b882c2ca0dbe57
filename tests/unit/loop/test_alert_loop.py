"""The alert's own loop: review, instruction, check; nothing waits unseen."""

import pytest
from errands import DAY, MINUTE, STATION, T0

from engine.errors import Illegal
from engine.loop import check_back, due_alert, open_alert, review_alert
from engine.model.alert import Alert, AlertState
from engine.model.change import Change
from engine.model.city import City
from engine.model.message import MessageType
from engine.model.order import Order, State
from engine.model.reading import Place
from engine.model.values import replace


def fired(state: AlertState = AlertState.REVIEW, grade: str = "yellow") -> Alert:
    return Alert(
        alert_id="A1.fraud",
        city="cj",
        version=1,
        model="fraud",
        model_version="1",
        title="疑似正在被骗",
        grade=grade,
        state=state,
        group="caller:1",
        message="请立即联系",
        procedure="warning_check",
        body_id=STATION,
        raised_at=T0,
        call_ids=("C1",),
        reasons=("提到转账",),
        alarm_at=T0 + 2 * MINUTE if state is AlertState.REVIEW else None,
    )


def raised(city: City, alert: Alert) -> Change:
    return open_alert(alert, city, T0, category="crime.fraud", place=Place(district="wc", place_class="bank"))


def instructed(city: City) -> tuple[Alert, Order]:
    change = review_alert(raised(city, fired()).alerts[-1], city, T0 + MINUTE, "officer", "confirm", "属实")
    return change.alerts[-1], change.orders[-1]


def test_a_confirmed_alert_becomes_an_instruction_at_once(city: City) -> None:
    alert, order = instructed(city)
    assert (alert.state, alert.order_id, alert.alarm_at) == (AlertState.INSTRUCTED, order.order_id, None)
    assert (order.state, order.body_id, order.procedure) == (State.SENT, STATION, "warning_check")
    assert order.due is not None


def test_a_dismissed_one_sends_nobody(city: City) -> None:
    change = review_alert(fired(), city, T0 + MINUTE, "officer", "dismiss", "误报")
    assert change.alerts[-1].state is AlertState.DISMISSED
    assert (change.orders, change.messages) == ((), ())


@pytest.mark.parametrize("state", [s for s in AlertState if s is not AlertState.REVIEW])
def test_only_a_waiting_alert_is_reviewed(city: City, state: AlertState) -> None:
    with pytest.raises(Illegal, match="waits for no review"):
        review_alert(fired(state), city, T0, "officer", "confirm", "属实")


def test_a_model_that_instructs_at_once_needs_nobody(city: City) -> None:
    change = raised(city, fired(AlertState.INSTRUCTED))
    assert [m.type for m in change.messages] == [MessageType.ALERT_INSTRUCTION]


@pytest.mark.parametrize("state", [AlertState.SHADOW, AlertState.INHIBITED])
def test_shadow_and_silenced_alerts_are_only_counted(city: City, state: AlertState) -> None:
    change = raised(city, fired(state))
    assert (len(change.alerts), change.messages, change.orders) == (1, (), ())


@pytest.mark.parametrize("grade", ["red", "orange"])
def test_a_grave_alert_nobody_reviews_is_instructed_by_itself(city: City, grade: str) -> None:
    alert = fired(grade=grade)
    first = due_alert(alert, city, T0 + 2 * MINUTE).alerts[-1]
    assert (first.state, first.escalations) == (AlertState.REVIEW, 1)
    assert first.alarm_at is not None
    second = due_alert(first, city, first.alarm_at)
    assert second.alerts[-1].state is AlertState.INSTRUCTED
    assert second.orders[-1].body_id == STATION


def test_a_lesser_alert_goes_on_asking_and_a_leap_asks_once(city: City) -> None:
    alert = fired()
    for n in range(1, 6):
        change = due_alert(alert, city, T0 + n * 7 * DAY)
        alert = change.alerts[-1]
        assert (alert.state, alert.escalations, len(change.messages)) == (AlertState.REVIEW, n, 1)
        assert alert.alarm_at is not None


@pytest.mark.parametrize(
    ("order_state", "alert_state"),
    [
        (State.CLOSED, AlertState.CHECKED),
        (State.CANCELLED, AlertState.DISMISSED),
        (State.ARRIVED, AlertState.INSTRUCTED),
    ],
)
def test_the_alert_follows_its_instruction(city: City, order_state: State, alert_state: AlertState) -> None:
    alert, order = instructed(city)
    change = check_back(alert, replace(order, state=order_state, result="已劝阻"), T0 + DAY)
    after = change.alerts[-1] if change.alerts else alert
    assert after.state is alert_state


def test_a_reopened_instruction_is_out_again(city: City) -> None:
    alert, order = instructed(city)
    checked = check_back(alert, replace(order, state=State.CLOSED), T0 + DAY).alerts[-1]
    again = check_back(checked, replace(order, state=State.REOPENED), T0 + DAY).alerts[-1]
    assert (again.state, again.version) == (AlertState.INSTRUCTED, checked.version + 1)
