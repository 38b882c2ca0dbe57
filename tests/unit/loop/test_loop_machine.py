"""Random legal and illegal events, clocks, duplicates and competing actors against a small reference model.

A sample in every run; ten thousand runs under the marker `soak`.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from errands import DAY, DISTRICT, HOUR, STATION, T0, a_call, decided, dispatched, happened
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine import ruleset
from engine.errors import Illegal
from engine.loop import Opening, apply, assign, join, legal_moves, open_order, reassign, tick
from engine.model.change import Change
from engine.model.decision import Handoff
from engine.model.message import LogEntry
from engine.model.order import FINAL_STATES, OPEN_STATES, WAITING_FOR_SIGN, Actor, Event, Order, State
from engine.model.units import FreeUnit, UnitChoice

CITY = ruleset.load(Path(__file__).parents[3] / "rules")
PROCEDURES = sorted(set(CITY.procedures) - {"review"})
NEAR = tuple(FreeUnit(name, 300.0, T0) for name in ("wc-gl-crew", "fast-hosp-first", "wc-tc-crew", "gone"))
SPANS = st.sampled_from([0, 1, 999, 30_000, HOUR, DAY, 5 * DAY, 40 * DAY]) | st.integers(0, 10 * DAY)
STEPS = (Event.SIGN, Event.ARRIVE, Event.REPORT, Event.VERIFY, Event.CALL_BACK)


class Errand(RuleBasedStateMachine):
    """One order in the hands of bodies, officers, callers and the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.order: Order | None = None
        self.line: list[LogEntry] = []
        self.versions = [0]
        self.done: set[Event] = set()
        """Reference model: steps of the procedure done since the order was last sent out."""
        self.returned = 0
        self.stale: list[Order] = []
        self.messages: set[str] = set()

    # --- the store: a change is taken only on the version before it

    def _commit(self, change: Change) -> None:
        for order in change.orders:
            assert order.version == self.versions[-1] + 1
            self.versions.append(order.version)
            if self.order is not None:
                self.stale.append(self.order)
            self.order = order
        ids = [m.message_id for m in change.messages]
        assert len(ids) == len(set(ids))
        assert not self.messages & set(ids), "a receiver would take two messages for one"
        self.messages |= set(ids)
        self.line += change.log
        if any(entry.what in ("order.sent", "order.review", "order.returned") for entry in change.log):
            self.done = set()

    @property
    def held(self) -> Order:
        assert self.order is not None
        return self.order

    @initialize(
        procedure=st.sampled_from(PROCEDURES),
        grade=st.sampled_from(sorted(CITY.grades)),
        kind=st.sampled_from(["work", "police", "review", "nobody"]),
        fallbacks=st.sampled_from([(), ("city-chengguan",), ("city-chengguan", "hot-12345")]),
        ahead=st.sampled_from([-HOUR, 0, 4 * 60_000]),
        danger=st.booleans(),
        unit=st.booleans(),
    )
    def opens(
        self, procedure: str, grade: str, kind: str, fallbacks: tuple[str, ...], ahead: int, danger: bool, unit: bool
    ) -> None:
        decision = decided(procedure=procedure, grade=grade, fallbacks=fallbacks)
        if kind == "police":
            decision = dispatched(procedure=procedure, grade=grade, danger=danger, joint=("er-119", "er-120"))
            if unit:
                decision = replace(decision, unit=UnitChoice("wc-gl-crew", STATION, 100, 12, 300, STATION))
        if kind == "nobody":
            decision = replace(decision, body_id=CITY.command_body, fallbacks=())
        if kind == "review":
            held = {"review": True, "handoff": Handoff.NONE, "body_id": CITY.command_body, "procedure": "review"}
            decision = decided(grade=grade, fallbacks=(), **held)
        self._commit(open_order(Opening("O1", a_call(at=T0 + ahead), decision), CITY, self.now))

    # --- who does what

    @rule(span=SPANS)
    def time_goes_by(self, span: int) -> None:
        self.now += span

    @rule(
        kind=st.sampled_from(list(Event)),
        actor=st.sampled_from(list(Actor)),
        ago=st.sampled_from([0, 0, 0, 1, HOUR, 9 * DAY, -HOUR]),
        data=st.sampled_from([{}, {}, {"solved": False}, {"solved": True}, {"waiting": True}, {"waiting": False}]),
    )
    def somebody_tries(self, kind: Event, actor: Actor, ago: int, data: dict[str, bool]) -> None:
        before, legal = self.held, legal_moves(self.held, CITY, actor)
        event = replace(happened(kind, self.now - ago, actor), data=dict(data))
        change: Change | None
        named: tuple[str, ...] = ()
        try:
            change = apply(before, event, CITY, self.now)
        except Illegal as error:
            change, named = None, error.legal
        if change is None:
            assert named == tuple(e.value for e in legal)
            waits = kind is Event.NOTE and data.get("waiting") is True and actor is Actor.BODY
            assert kind not in legal or (waits and before.state not in (State.SIGNED, State.ARRIVED))
            return
        assert kind in legal
        self._step_is_next(before, kind)
        self._commit(change)
        if kind in STEPS and self.held.state not in WAITING_FOR_SIGN:
            self.done.add(kind)
        if kind is Event.REJECT:
            self.done &= {Event.SIGN, Event.ARRIVE} - {Event.ARRIVE}
        self.returned += kind is Event.RETURN
        closed = self.held.state is State.CLOSED and before.state is not State.CLOSED
        if closed:
            self._nothing_left_out(before)

    def _step_is_next(self, before: Order, kind: Event) -> None:
        if kind in STEPS:
            assert before.due is not None
            assert before.due.step is kind, "a step out of its order"

    def _nothing_left_out(self, before: Order) -> None:
        procedure = CITY.procedures[before.procedure]
        required = {s.step for s in procedure.steps}
        assert required <= self.done, f"closed without {required - self.done}"

    @precondition(lambda self: self.held.state in (State.REVIEW, State.RETURNED))
    @rule(body=st.sampled_from([STATION, DISTRICT, "hot-12345"]))
    def an_officer_decides(self, body: str) -> None:
        if self.held.state is State.REVIEW:
            decision = decided(body_id=body, fallbacks=())
            self._commit(assign(self.held, decision, CITY, self.now, "officer", "指定"))
        else:
            self._commit(reassign(self.held, body, CITY, self.now, "officer", "指定"))

    @rule(n=st.integers(1, 9))
    def somebody_calls_again(self, n: int) -> None:
        if self.held.is_open:
            self._commit(join(self.held, a_call(n), CITY, self.now))

    @rule(near=st.lists(st.sampled_from(NEAR), unique=True, max_size=4))
    def the_clock_looks(self, near: list[FreeUnit]) -> None:
        before = self.held
        change = tick(before, CITY, self.now, near)
        due = before.alarm_at is not None and before.alarm_at <= self.now
        assert (change == Change()) != (before.is_open and due)
        assert len(change.messages) <= 16, "a flood"
        self._commit(change)
        assert self.held.alarm_at is None or self.held.alarm_at > self.now, "a clock that rings for ever"
        assert tick(self.held, CITY, self.now) == Change()

    @rule(kind=st.sampled_from(list(Event)), actor=st.sampled_from(list(Actor)))
    def somebody_dies_before_the_store_heard(self, kind: Event, actor: Actor) -> None:
        """What was decided and not committed left no trace: asked again, the same answer comes."""
        if kind in legal_moves(self.held, CITY, actor):
            first = apply(self.held, happened(kind, self.now, actor), CITY, self.now)
            assert apply(self.held, happened(kind, self.now, actor), CITY, self.now) == first
        assert tick(self.held, CITY, self.now) == tick(self.held, CITY, self.now)

    @precondition(lambda self: len(self.stale) > 0)
    @rule(which=st.randoms(use_true_random=False), actor=st.sampled_from(list(Actor)))
    def somebody_acts_on_what_they_read_earlier(self, which: object, actor: Actor) -> None:
        """What they decide carries an older version, so the store refuses it."""
        old = self.stale[-1]
        for kind in legal_moves(old, CITY, actor):
            change = apply(old, happened(kind, self.now, actor), CITY, self.now)
            assert all(order.version <= self.versions[-1] for order in change.orders)

    # --- what always holds

    @invariant()
    def one_holder(self) -> None:
        if self.order is not None:
            assert self.order.body_id in CITY.bodies

    @invariant()
    def a_unit_goes_with_its_own_body_and_is_asked_once(self) -> None:
        if self.order is not None and self.order.unit_id:
            assert CITY.units[self.order.unit_id].body == self.order.body_id
            assert self.order.unit_id not in self.order.units_tried
            assert len(self.order.units_tried) < 2

    @invariant()
    def a_deadline_while_open(self) -> None:
        order = self.order
        if order is None:
            return
        assert order.state in OPEN_STATES | FINAL_STATES, "no order rests there"
        if order.is_open:
            assert order.due is not None
            assert (order.alarm_at is None) == (order.paused_left is not None)
        else:
            assert (order.due, order.alarm_at, order.paused_left) == (None, None, None)

    @invariant()
    def versions_never_skip(self) -> None:
        assert self.versions == list(range(len(self.versions)))

    @invariant()
    def the_line_is_in_order(self) -> None:
        instants = [entry.at for entry in self.line]
        assert instants == sorted(instants)
        assert all(entry.at <= self.now for entry in self.line)
        assert {entry.data["version"] for entry in self.line} == set(self.versions[1:])

    @invariant()
    def returns_are_bounded(self) -> None:
        if self.order is not None:
            assert self.returned == self.order.returns
            assert self.order.returns <= max(p.max_returns for p in CITY.procedures.values())

    @invariant()
    def states_were_entered_in_time(self) -> None:
        if self.order is not None:
            assert all(T0 - HOUR <= at <= self.now for at in self.order.entered.values())


def test_an_order_in_any_hands() -> None:
    calm = settings(
        max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Errand, settings=calm)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_orders_in_any_hands() -> None:
    long = settings(
        max_examples=10_000,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(Errand, settings=long)
