"""Random legal and illegal events, clocks, duplicates, deaths and competing actors against a small reference model.

Every change goes to a real store, from which the next reader reads it. A sample in every run; ten thousand runs under
the marker `soak`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from at_store import LEASE_MS, Store, campaign, fresh_store
from errands import DAY, DISTRICT, HOUR, STATION, T0, a_call, decided, dispatched, happened
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine import ruleset
from engine.errors import Conflict, Illegal
from engine.loop import Opening, apply, assign, join, legal_moves, open_order, reassign, tick
from engine.model.change import Change
from engine.model.decision import Handoff
from engine.model.message import LogEntry
from engine.model.order import FINAL_STATES, OPEN_STATES, WAITING_FOR_SIGN, Actor, Event, Order, OrderEvent, State
from engine.model.units import FreeUnit, UnitChoice
from engine.model.values import replace

CITY = ruleset.load(Path(__file__).parents[3] / "rules")
PROCEDURES = sorted(set(CITY.procedures) - {"review"})
UNITS = ("wc-gl-crew", "fast-hosp-first", "wc-tc-crew")
NEAR = tuple(FreeUnit(name, 300.0, T0) for name in (*UNITS, "gone"))
SPANS = st.sampled_from([0, 1, 999, 30_000, HOUR, DAY, 5 * DAY, 40 * DAY]) | st.integers(0, 10 * DAY)
STEPS = (Event.SIGN, Event.ARRIVE, Event.REPORT, Event.VERIFY, Event.CALL_BACK)
EVENTS, ACTORS = st.sampled_from(list(Event)), st.sampled_from(list(Actor))
FATES = st.sampled_from(["lives", "lives", "lives", "dies before it is stored", "dies before it is answered"])
Decides = Callable[[Order], Change | None]
_order = msgspec.json.Decoder(Order).decode
_LISTS = ("orders:open", "orders:overdue")
_STATES = tuple(f"orders:state:{state}" for state in State)


class Errand(RuleBasedStateMachine):
    """One order in the hands of bodies, officers, callers and the clock."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.now = T0
        self.order: Order | None = None
        """As the store has it."""
        self.line: list[LogEntry] = []
        self.versions = [0]
        self.done: set[Event] = set()
        """Reference model: steps of the procedure done since the order was last sent out."""
        self.returned = 0
        self.stale: list[Order] = []
        self.messages: set[str] = set()
        self.holders: set[str] = set()
        self.seen = 0
        self.leased = 0
        """Until when a dead worker holds the clock."""

    # --- what was committed: the store is read, the reference model goes along

    def _commit(self, change: Change, idem: str = "") -> None:
        if change != Change():
            assert self.store.commit(change, self.now, idem, b"done") == b"done"
            self._note(change)

    def _note(self, change: Change) -> None:
        for order in change.orders:
            assert order.version == self.versions[-1] + 1
            self.versions.append(order.version)
            if self.order is not None:
                self.stale.append(self.order)
            self.order, self.leased = order, 0
            self.holders.add(order.body_id)
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
        self.store.begin(CITY, UNITS)
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

    @rule(span=SPANS | st.none())
    def time_goes_by(self, span: int | None) -> None:
        """Some span, or (None) just until the next alarm."""
        self.now = self.now + span if span is not None else max(self.now, self.held.alarm_at or 0, self.leased)

    @rule(
        kind=EVENTS,
        actor=ACTORS,
        ago=st.sampled_from([0, 0, 0, 1, HOUR, 9 * DAY, -HOUR]),
        data=st.sampled_from([{}, {}, {"solved": False}, {"solved": True}, {"waiting": True}, {"waiting": False}]),
        fate=FATES,
    )
    def somebody_tries(self, kind: Event, actor: Actor, ago: int, data: dict[str, bool], fate: str) -> None:
        event = replace(happened(kind, self.now - ago, actor), data=dict(data))
        before, change = self.held, self._decided(self.held, event)
        if change is None or fate == "dies before it is stored":
            return  # the invariants look whether anything is left of it
        idem = f"key{len(self.versions)}" if fate == "dies before it is answered" else ""
        self._commit(change, idem)
        self._did(before, event)
        if idem:  # asked again, the store answers what it answered and writes nothing
            again = self._decided(self.held, event) or change
            assert self.store.commit(again, self.now, idem, b"something else") == b"done"

    @rule(steps=st.integers(1, 6), minutes=st.sampled_from([0, 1, 20]))
    def everybody_does_what_is_owed(self, steps: int, minutes: int) -> None:
        """The straight way, by whoever may: so that runs get to the end of a procedure, and beyond it."""
        for _ in range(steps):
            before = self.held
            if before.due is None or before.due.step is Event.ASSIGN or before.paused_left is not None:
                return
            self.now += minutes * 60_000
            event = happened(before.due.step, self.now, Actor.OFFICER)
            change = self._decided(before, event)
            assert change is not None, "what is owed is legal"
            self._commit(change)
            self._did(before, event)

    def _decided(self, before: Order, event: OrderEvent) -> Change | None:
        """What the loop answers; None when it refuses, and then it names exactly what is legal."""
        kind, actor, legal = event.type, event.actor, legal_moves(before, CITY, event.actor)
        named: tuple[str, ...] | None = None
        try:
            change = apply(before, event, CITY, self.now)
        except Illegal as error:
            named = error.legal
        if named is not None:
            assert named == tuple(e.value for e in legal)
            waits = kind is Event.NOTE and event.data.get("waiting") is True and actor is Actor.BODY
            assert kind not in legal or (waits and before.state not in (State.SIGNED, State.ARRIVED))
            self.store.tally[f"refused {kind.value}"] += 1
            return None
        assert kind in legal
        assert change == apply(before, event, CITY, self.now), "the same question, the same answer"
        return change

    def _did(self, before: Order, event: OrderEvent) -> None:
        """The reference model after a move that was committed."""
        kind = event.type
        self.store.tally[f"did {kind.value}"] += 1
        if kind in STEPS:
            assert before.due is not None
            assert before.due.step is kind, "a step out of its order"
            if self.held.state not in WAITING_FOR_SIGN:
                self.done.add(kind)
        if kind is Event.REJECT:
            self.done &= {Event.SIGN}
        self.returned += kind is Event.RETURN
        if self.held.state is State.CLOSED and before.state is not State.CLOSED:
            self.store.tally["closed"] += 1
            required = {s.step for s in CITY.procedures[before.procedure].steps}
            assert required <= self.done, f"closed without {required - self.done}"

    @precondition(lambda self: self.held.state in (State.REVIEW, State.RETURNED))
    @rule(body=st.sampled_from([STATION, DISTRICT, "hot-12345"]))
    def an_officer_decides(self, body: str) -> None:
        self._commit(self._assigned(self.held, body))

    def _assigned(self, before: Order, body: str) -> Change:
        if before.state is State.REVIEW:
            return assign(before, decided(body_id=body, fallbacks=()), CITY, self.now, "officer", "指定")
        return reassign(before, body, CITY, self.now, "officer", "指定")

    @rule(n=st.integers(1, 9))
    def somebody_calls_again(self, n: int) -> None:
        if self.held.is_open:
            self._commit(join(self.held, a_call(n), CITY, self.now))

    @rule(near=st.lists(st.sampled_from(NEAR), unique=True, max_size=4), fate=FATES)
    def the_clock_looks(self, near: list[FreeUnit], fate: str) -> None:
        before, rung = self.held, self.store.due(self.now)
        due = before.alarm_at is not None and max(before.alarm_at, self.leased) <= self.now
        assert [one.subject for one in rung] == ["O1"] * due
        if not due:
            assert self.leased > self.now or tick(before, CITY, self.now) == Change()
            return
        if fate == "dies before it is stored":
            self.leased = self.now + LEASE_MS
            return
        change = tick(_order(rung[0].record), CITY, self.now, near)
        assert change == tick(before, CITY, self.now, near) != Change()
        assert len(change.messages) <= 16, "a flood"
        self.store.tally[f"rang {change.log[-1].what}"] += 1
        self._commit(change)
        assert self.held.alarm_at is None or self.held.alarm_at > self.now, "a clock that rings for ever"
        assert tick(self.held, CITY, self.now) == Change()

    @rule(
        moves=st.lists(st.tuples(EVENTS, ACTORS), min_size=1, max_size=3),
        others=st.sets(st.sampled_from(["clock", "caller", "officer"])),
    )
    def several_at_once(self, moves: list[tuple[Event, Actor]], others: set[str]) -> None:
        """All read the same order; of those who may act one is first, the others look again until nobody is left."""
        waiting: dict[str, Decides] = {}
        events = {f"{n} {kind}": happened(kind, self.now, actor) for n, (kind, actor) in enumerate(moves)}
        for name, event in events.items():
            waiting[name] = lambda order, event=event: self._decided(order, event)  # type: ignore[misc]  # the event is bound here
        waiting |= {name: self._others()[name] for name in others}
        while asked := {n: c for n, decides in waiting.items() if (c := decides(self.held)) not in (None, Change())}:
            before, taken = self.held, self.store.race(list(asked.values()), self.now)
            assert sum(taken) == 1, "of those who read one version one is first"
            first = list(asked)[taken.index(True)]
            self.store.tally[f"raced by {len(asked)}"] += 1
            self._note(asked[first])
            if first in events:
                self._did(before, events[first])
            del waiting[first]

    def _others(self) -> dict[str, Decides]:
        return {
            "clock": lambda order: tick(order, CITY, self.now),
            "caller": lambda order: join(order, a_call(5), CITY, self.now) if order.is_open else None,
            "officer": lambda order: (
                self._assigned(order, DISTRICT) if order.state in (State.REVIEW, State.RETURNED) else None
            ),
        }

    @precondition(lambda self: len(self.stale) > 0)
    @rule(back=st.integers(1, 3), kind=EVENTS, actor=ACTORS)
    def somebody_acts_on_what_they_read_earlier(self, back: int, kind: Event, actor: Actor) -> None:
        old = self.stale[-min(back, len(self.stale))]
        if kind in legal_moves(old, CITY, actor):
            with pytest.raises(Conflict):
                self.store.commit(apply(old, happened(kind, self.now, actor), CITY, self.now), self.now)
            self.store.tally["too late"] += 1

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
    def the_store_has_exactly_that(self) -> None:
        """Order, version, line, clock, lists and unit: nothing of what died, all of what was answered."""
        order = self.order
        if order is None or self.seen == self.store.writes:
            return
        self.seen = self.store.writes
        told = self.store.told("order", "O1", *_STATES, *_LISTS, *(f"orders:body:{b}" for b in self.holders))
        assert _order(told.json) == order
        assert told.version == self.versions[-1]
        assert told.line == self.line
        assert told.alarm == (max(order.alarm_at, self.leased) if order.alarm_at is not None else None)
        stands = {f"orders:state:{order.state}"}
        if order.is_open:
            stands |= {"orders:open", f"orders:body:{order.body_id}"} | ({"orders:overdue"} if order.overdue else set())
        assert told.listed == stands, "in the hands of one, in the lists of nobody else"
        assert told.units == [order.unit_at_work] * bool(order.unit_at_work)

    @invariant()
    def versions_never_skip(self) -> None:
        assert self.versions == list(range(len(self.versions)))

    @invariant()
    def the_line_is_whole_and_in_order(self) -> None:
        instants = [entry.at for entry in self.line]
        assert instants == sorted(instants)
        assert all(entry.at <= self.now for entry in self.line)
        told = [entry.data["version"] for entry in self.line]
        assert told == sorted(told)
        assert set(told) == set(self.versions[1:]), "a version without an entry"

    @invariant()
    def returns_are_bounded(self) -> None:
        if self.order is not None:
            assert self.returned == self.order.returns
            assert self.order.returns <= max(p.max_returns for p in CITY.procedures.values())

    @invariant()
    def states_were_entered_in_time(self) -> None:
        if self.order is not None:
            assert all(T0 - HOUR <= at <= self.now for at in self.order.entered.values())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fresh_store(tmp_path_factory.mktemp("store")) as opened:
        yield opened


def test_an_order_in_any_hands(store: Store) -> None:
    campaign(lambda: Errand(store), runs=40, steps=25)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_orders_in_any_hands(store: Store) -> None:
    campaign(lambda: Errand(store), runs=10_000, steps=25)
    every = {f"{how} {kind.value}" for how in ("did", "refused") for kind in set(Event) - {Event.ASSIGN}}
    assert not every - set(store.tally), "a move that nobody made, or that nobody was refused"
