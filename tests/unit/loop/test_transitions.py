"""The one table of legal moves, walked through state by state."""

import pytest
from errands import T0, a_call, decided, happened, in_state, opened

from engine.errors import Illegal
from engine.loop import apply, assign, legal_moves, reassign
from engine.model.city import City
from engine.model.order import FINAL_STATES, OPEN_STATES, TRANSITIONS, Actor, Event, State

LATER = T0 + 3_600_000
RESTING = sorted(OPEN_STATES | FINAL_STATES)
ROWS = [(t, state) for t in TRANSITIONS for state in sorted(t.sources) if t.event is not Event.ASSIGN]
EXPECTED = {
    # Moves that end elsewhere than the table's plain target, and why.
    (Event.RETURN, State.SENT): State.RETURNED,
    (Event.CALL_BACK, State.VERIFIED): State.CLOSED,
}


@pytest.mark.parametrize(("row", "state"), ROWS, ids=[f"{t.event}-{s}" for t, s in ROWS])
def test_every_row_of_the_table(city: City, row: object, state: State) -> None:
    """A move that table and procedure allow leads where the table says; any other is refused."""
    transition = next(t for t in TRANSITIONS if t is row)
    order = in_state(city, state)
    assert order.state is state
    actor = sorted(transition.actors)[0]
    if transition.event not in legal_moves(order, city, actor):
        with pytest.raises(Illegal):
            apply(order, happened(transition.event, LATER, actor), city, LATER)
        return
    after = apply(order, happened(transition.event, LATER, actor), city, LATER).orders[-1]
    target = EXPECTED.get((transition.event, state), transition.target) or state
    if transition.event is Event.RETURN:
        target = State.SENT if order.body_id != "pol-traffic" else State.RETURNED  # a superior takes it at once
    assert after.state is target
    assert after.version == order.version + 1
    assert after.is_open == (target in OPEN_STATES)


@pytest.mark.parametrize("state", RESTING)
@pytest.mark.parametrize("actor", list(Actor))
@pytest.mark.parametrize("event", list(Event))
def test_whatever_is_not_named_legal_is_refused_and_changes_nothing(
    city: City, state: State, actor: Actor, event: Event
) -> None:
    order = in_state(city, state)
    legal = legal_moves(order, city, actor)
    if event in legal:
        assert any(order.state in t.sources and actor in t.actors for t in TRANSITIONS if t.event is event)
        return
    with pytest.raises(Illegal, match=f"order O1 is {state.value}") as refused:
        apply(order, happened(event, LATER, actor), city, LATER)
    assert refused.value.legal == tuple(e.value for e in legal)
    assert all(name in str(refused.value) for name in refused.value.legal)


def test_an_open_order_always_offers_the_step_it_owes(city: City) -> None:
    """Somebody can always go on: the body, or the command room."""
    for state in OPEN_STATES - {State.REVIEW, State.RETURNED}:
        order = in_state(city, state)
        assert order.due is not None, state
        either = {*legal_moves(order, city, Actor.BODY), *legal_moves(order, city, Actor.OFFICER)}
        assert order.due.step in either, state


def test_a_review_is_decided_by_assignment_only(city: City) -> None:
    order = in_state(city, State.REVIEW)
    assert legal_moves(order, city, Actor.BODY) == (Event.SUPPLEMENT, Event.NOTE)
    sent = assign(order, decided(), city, LATER, "officer", "是噪声").orders[-1]
    assert (sent.state, sent.body_id, sent.version) == (State.SENT, "wc-chengguan", 2)
    assert sent.due is not None


def test_a_returned_order_is_given_to_whom_an_officer_names(city: City) -> None:
    """Also one that came from an alert and has no call of its own to review."""
    order = in_state(city, State.RETURNED)
    assert order.body_id == city.command_body
    sent = reassign(order, "wc-branch", city, LATER, "officer", "分局办理").orders[-1]
    assert (sent.state, sent.body_id, sent.first_body_id) == (State.SENT, "wc-branch", "wc-branch")
    with pytest.raises(Illegal, match="waits for nobody"):
        reassign(sent, "wc-branch", city, LATER, "officer", "再来")


@pytest.mark.parametrize("state", [State.REVIEW, State.RETURNED])
def test_an_undecided_order_cancelled_by_mistake_goes_back_to_whoever_must_decide(city: City, state: State) -> None:
    """It never had a body: reopened as if it had one, it would owe no step and wait for ever."""
    order = in_state(city, state)
    cancelled = apply(order, happened(Event.CANCEL, LATER, Actor.OFFICER), city, LATER).orders[-1]
    again = apply(cancelled, happened(Event.REOPEN, LATER + 1, Actor.OFFICER), city, LATER + 1).orders[-1]
    assert again.state is state
    assert again.due is not None
    assert again.due.step is Event.ASSIGN
    assert again.alarm_at is not None


def test_an_order_whose_procedure_was_taken_out_of_the_rules_goes_on(city: City) -> None:
    order = opened(city, decided(procedure="abolished"))
    assert order.due is not None
    assert legal_moves(order, city, Actor.BODY)[:2] == (Event.SIGN, Event.RETURN)


def test_a_call_that_needs_nothing_opens_nothing(city: City) -> None:
    from engine.loop import Opening, open_order
    from engine.model.change import Change

    assert open_order(Opening("O1", a_call(), decided(body_id="")), city, T0) == Change()
