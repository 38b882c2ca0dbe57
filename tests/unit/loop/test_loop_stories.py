"""What the loop promises, each as a story with stored instants."""

import pytest
from errands import (
    ARRIVE,
    BRANCH,
    CALL_BACK,
    CITY_BODY,
    DAY,
    DISTRICT,
    HOTLINE,
    HOUR,
    MINUTE,
    REPORT,
    RETURN,
    SIGN,
    STATION,
    T0,
    VERIFY,
    a_call,
    after,
    decided,
    dispatched,
    happened,
    in_state,
    moved,
    opened,
)

from engine.errors import Illegal
from engine.loop import Opening, apply, join, legal_moves, open_order, tick
from engine.model.change import Change
from engine.model.city import City
from engine.model.message import Message, MessageType
from engine.model.order import Actor, Event, Order, State
from engine.model.values import replace


def told(change: Change, kind: MessageType) -> list[str]:
    """Bodies that are sent one type of message."""
    return [m.body_id for m in change.messages if m.type is kind]


def whats(change: Change) -> list[str]:
    return [line.what.removeprefix("order.") for line in change.log]


def ring(order: Order, city: City, at: int | None = None) -> tuple[Order, Change]:
    """Let the order's clock ring at its own instant, or late."""
    assert order.alarm_at is not None
    change = tick(order, city, order.alarm_at if at is None else at)
    return change.orders[-1], change


# --- the whole way


def test_a_fight_is_dispatched_and_closed_with_every_step(city: City) -> None:
    change = open_order(Opening("O1", a_call(), dispatched(joint=("er-120",), danger=True, grade="red")), city, T0)
    order = change.orders[-1]
    assert told(change, MessageType.ORDER_SENT) == [STATION]
    assert told(change, MessageType.ORDER_JOINT) == ["er-120"]
    assert order.due is not None
    assert (order.due.step, order.due.at) == (Event.SIGN, T0 + 30_000)  # red: half a minute
    for kind, actor, then in (
        (*SIGN, State.SIGNED),
        (*ARRIVE, State.ARRIVED),
        (*REPORT, State.REPORTED),
        (*VERIFY, State.VERIFIED),
        (*CALL_BACK, State.CLOSED),
    ):
        order = moved(order, city, kind, T0 + MINUTE, actor).orders[-1]
        assert order.state is then
    assert (order.due, order.alarm_at) == (None, None)
    assert {"signed", "arrived", "reported", "verified", "called_back", "closed"} <= set(order.entered)


@pytest.mark.parametrize(
    ("steps", "left_out"),
    [((SIGN, ARRIVE, REPORT), CALL_BACK), ((SIGN, ARRIVE), VERIFY), ((SIGN,), REPORT), ((), ARRIVE)],
)
def test_no_step_can_be_jumped(
    city: City, steps: tuple[tuple[Event, Actor], ...], left_out: tuple[Event, Actor]
) -> None:
    """Neither verification nor call-back can be left out on the way to closing."""
    order = after(opened(city, dispatched()), city, *steps)
    kind, actor = left_out
    with pytest.raises(Illegal, match="not legal now"):
        moved(order, city, kind, T0 + HOUR, actor)


def test_an_alert_check_verifies_itself_and_closes_on_the_report(city: City) -> None:
    order = after(opened(city, dispatched(procedure="warning_check")), city, SIGN, ARRIVE)
    change = moved(order, city, Event.REPORT, T0 + HOUR, note="已见到本人")
    assert change.orders[-1].state is State.CLOSED
    assert change.orders[-1].result == "已见到本人"
    assert whats(change) == ["report", "closed"]


def test_a_rejected_result_goes_back_to_the_body(city: City) -> None:
    change = moved(in_state(city, State.REPORTED), city, Event.REJECT, T0 + HOUR, Actor.OFFICER)
    order = change.orders[-1]
    assert (order.state, order.rejects) == (State.SIGNED, 1)
    assert told(change, MessageType.ORDER_UPDATED) == [STATION]
    assert order.due is not None


def test_not_solved_reopens_to_the_same_body_and_tells_its_superior(city: City) -> None:
    order = in_state(city, State.VERIFIED)
    change = moved(order, city, Event.CALL_BACK, T0 + DAY, Actor.OFFICER, solved=False)
    again = change.orders[-1]
    assert (again.state, again.body_id) == (State.REOPENED, STATION)
    assert told(change, MessageType.ORDER_SENT) == [STATION]
    assert told(change, MessageType.ORDER_SUPERVISED) == [BRANCH]
    assert again.due is not None
    assert again.due.step is Event.SIGN
    assert "closed" not in again.entered


# --- returns


def test_returns_walk_the_fallbacks_and_are_bounded(city: City) -> None:
    """Two returns, then the first receiver keeps it and its superior is named."""
    order = opened(city)
    first = moved(order, city, Event.RETURN, T0 + MINUTE, note="不属本单位")
    order = first.orders[-1]
    assert (order.body_id, order.passed, order.state) == (CITY_BODY, (DISTRICT,), State.SENT)
    assert told(first, MessageType.ORDER_SENT) == [CITY_BODY]
    second = moved(order, city, Event.RETURN, T0 + 2 * MINUTE)
    order = second.orders[-1]
    assert (order.body_id, order.returns) == (DISTRICT, 2)  # 首接负责
    assert told(second, MessageType.ORDER_SUPERVISED) == [CITY_BODY]
    assert Event.RETURN not in legal_moves(order, city, Actor.BODY)
    with pytest.raises(Illegal):
        moved(order, city, Event.RETURN, T0 + 3 * MINUTE)


def test_without_a_fallback_the_superior_gets_it(city: City) -> None:
    change = moved(opened(city, decided(fallbacks=())), city, Event.RETURN, T0 + MINUTE)
    assert change.orders[-1].body_id == CITY_BODY
    assert told(change, MessageType.ORDER_SUPERVISED) == [HOTLINE]


def test_with_nobody_left_the_command_room_decides_against_the_clock(city: City) -> None:
    order = in_state(city, State.RETURNED)
    assert order.body_id == city.command_body
    assert order.due is not None
    assert (order.due.step, order.due.length) == (Event.ASSIGN, 2 * MINUTE)


# --- clocks


def test_reminder_overdue_ladder_and_take_over_at_their_instants(city: City) -> None:
    """60 s to sign; reminded at 42 s, marked at 60 s, told at once, leader after 2 min, taken over after 5."""
    order = opened(city, dispatched())
    seen = []
    while order.body_id == STATION:
        at = order.alarm_at or 0
        order, change = ring(order, city)
        seen += [((at - T0) // 1000, whats(change))]
    assert seen == [
        (42, ["reminder"]),
        (60, ["overdue", "supervised"]),
        (180, ["supervised"]),
        (360, ["supervised", "taken_over", "sent"]),
    ]
    assert (order.body_id, order.state, order.passed) == (BRANCH, State.SENT, (STATION,))
    assert order.due is not None
    assert order.due.at == T0 + 360_000 + 60_000


def test_the_body_that_was_too_slow_hears_that_it_was_relieved(city: City) -> None:
    order = opened(city, dispatched())
    change = tick(order, city, T0 + HOUR)
    assert told(change, MessageType.ORDER_SENT) == [BRANCH]
    assert [m.data["event"] for m in change.messages if m.type is MessageType.ORDER_UPDATED] == ["taken_over"]
    assert told(change, MessageType.ORDER_UPDATED) == [STATION]
    assert len({m.message_id for m in change.messages}) == len(change.messages)


def test_the_top_cannot_be_relieved_and_is_told_again_and_again(city: City) -> None:
    order = opened(city, decided(body_id=HOTLINE, fallbacks=(), procedure="live_transfer"))
    heard: list[str] = []
    for _ in range(8):
        order, change = ring(order, city)
        heard += whats(change)
    assert order.body_id == HOTLINE
    assert heard.count("overdue") == 1
    assert heard.count("supervised") >= 5
    assert order.alarm_at is not None


def test_a_step_of_the_command_room_is_asked_of_the_command_room(city: City) -> None:
    order = in_state(city, State.REPORTED)
    _, change = ring(order, city)
    assert told(change, MessageType.ORDER_REMINDER) == [city.command_body]


def test_nothing_rings_before_its_instant(city: City) -> None:
    order = opened(city)
    assert order.alarm_at is not None
    assert tick(order, city, order.alarm_at - 1) == Change()


@pytest.mark.parametrize("state", [s for s in State if s not in (State.CALLED_BACK, State.JOINED)])
def test_weeks_of_silence_do_not_flood_anybody(city: City, state: State) -> None:
    """The machine was off for three weeks: a handful of messages, and the next alarm lies ahead."""
    order = in_state(city, state)
    now = T0 + 21 * DAY
    change = tick(order, city, now)
    if not order.is_open:
        assert change == Change()
        return
    assert 0 < len(change.messages) <= 12
    assert MessageType.ORDER_REMINDER not in {m.type for m in change.messages}
    then = change.orders[-1]
    assert then.version == order.version + 1
    assert then.alarm_at is not None
    assert then.alarm_at > now
    assert tick(then, city, now) == Change()


def test_the_ladder_still_speaks_after_a_leap(city: City) -> None:
    """It goes on from now at its own pace, rung by rung counted."""
    order = in_state(city, State.REVIEW)
    order, _ = ring(order, city, T0 + 21 * DAY)
    order, change = ring(order, city)
    assert whats(change) == ["supervised"]
    assert order.alarm_at is not None


# --- waiting for the caller


def test_waiting_for_the_caller_stops_the_clock_and_loses_no_time(city: City) -> None:
    order = after(opened(city), city, SIGN)
    assert order.due is not None
    left = order.due.at - (T0 + DAY)
    order = moved(order, city, Event.NOTE, T0 + DAY, waiting=True).orders[-1]
    assert (order.paused_left, order.alarm_at) == (left, None)
    assert tick(order, city, T0 + 400 * DAY) == Change()
    order = moved(order, city, Event.SUPPLEMENT, T0 + 9 * DAY, Actor.OFFICER).orders[-1]
    assert order.due is not None
    assert order.due.at == T0 + 9 * DAY + left
    assert order.paused_left is None
    assert order.alarm_at is not None


def test_a_body_cannot_stop_the_clock_before_it_signed_or_after_it_reported(city: City) -> None:
    for state in (State.SENT, State.REPORTED, State.VERIFIED, State.REVIEW):
        with pytest.raises(Illegal, match="only after signing"):
            moved(in_state(city, state), city, Event.NOTE, T0 + MINUTE, waiting=True)
    officer = moved(in_state(city, State.SENT), city, Event.NOTE, T0 + MINUTE, Actor.OFFICER, waiting=True)
    assert officer.orders[-1].paused_left is not None


def test_waiting_false_starts_the_clock_again(city: City) -> None:
    order = after(opened(city), city, SIGN)
    order = moved(order, city, Event.NOTE, T0 + HOUR, waiting=True).orders[-1]
    order = moved(order, city, Event.NOTE, T0 + DAY, waiting=False).orders[-1]
    assert order.paused_left is None
    assert order.alarm_at is not None


# --- duplicates


def test_the_third_call_is_told_and_raises_the_grade(city: City) -> None:
    order = opened(city)
    for n in (2, 3):
        change = join(order, a_call(n), city, T0 + n * MINUTE)
        order = change.orders[-1]
        assert told(change, MessageType.ORDER_UPDATED) == [DISTRICT]
    assert order.grade == "blue"
    assert "第 3 次来电" in change.log[0].text
    assert order.call_ids == ("C1", "C2", "C3")
    assert join(order, a_call(3), city, T0) == Change()  # the same call again adds nothing


def test_red_stays_red(city: City) -> None:
    order = opened(city, dispatched(grade="red"))
    for n in (2, 3, 4, 5):
        order = join(order, a_call(n), city, T0).orders[-1]
    assert order.grade == "red"


# --- the time line


def test_what_the_body_says_happened_earlier_is_kept_beside_and_the_line_stays_in_order(city: City) -> None:
    order = after(opened(city, dispatched()), city, SIGN)
    said, now = T0 + 4 * MINUTE, T0 + 20 * MINUTE
    change = apply(order, happened(Event.ARRIVE, said), city, now)
    assert change.orders[-1].entered["arrived"] == said
    assert (change.log[0].at, change.log[0].data["said_at"]) == (now, said)


@pytest.mark.parametrize("said", [T0 - DAY, T0 + 30 * DAY])
def test_an_instant_that_cannot_be_true_is_not_believed(city: City, said: int) -> None:
    now = T0 + HOUR
    order = after(opened(city, dispatched()), city, SIGN)
    assert apply(order, happened(Event.ARRIVE, said), city, now).orders[-1].entered["arrived"] == now


def test_data_sent_along_cannot_rewrite_the_line(city: City) -> None:
    """Names that the line itself uses, from outside, neither break it nor lie in it."""
    forged: dict[str, str | int | float | None] = {
        "order": 1,
        "what": "x",
        "who": "y",
        "now": 2,
        "text": "z",
        "to": "me",
        "version": 99,
        "state": "closed",
    }
    for kind in (Event.SIGN, Event.RETURN, Event.NOTE):
        event = replace(happened(kind, T0 + MINUTE), data=dict(forged))
        change = apply(opened(city), event, city, T0 + MINUTE)
        assert change.log[0].what == f"order.{kind.value}"
        assert change.log[0].data["version"] == change.orders[-1].version
        assert change.log[0].data["state"] == change.orders[-1].state.value


def test_a_centre_whose_clock_is_ahead_does_not_turn_time_round(city: City) -> None:
    order = open_order(Opening("O1", a_call(at=T0 + 4 * MINUTE), decided()), city, T0).orders[-1]
    assert order.opened_at == T0
    assert after(order, city, SIGN, at=T0 + MINUTE).entered["signed"] == T0 + MINUTE


def test_cancelling_tells_holder_and_joint_bodies(city: City) -> None:
    order = opened(city, dispatched(joint=("er-119", "er-120")))
    change = moved(order, city, Event.CANCEL, T0 + MINUTE, Actor.OFFICER)
    assert told(change, MessageType.ORDER_CANCELLED) == [STATION, "er-119", "er-120"]


def test_message_ids_are_the_same_for_the_same_version_and_differ_between_versions(city: City) -> None:
    order = opened(city)
    ids: list[Message] = []
    for steps in ((), (SIGN,), (SIGN, RETURN)):
        ids += moved(after(order, city, *steps), city, Event.CANCEL, T0 + HOUR, Actor.OFFICER).messages
    assert len({m.message_id for m in ids}) == len(ids)
