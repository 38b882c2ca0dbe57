"""Random events, calls, clocks, merges, splits, deaths and competing actors on a few dossiers.

Held against a small reference model; every change goes to a real store, from which the next reader reads it. A sample
in every run; ten thousand runs under the marker `soak`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from at_store import LEASE_MS, Store, campaign, fresh_store
from errands import DAY, HOUR, T0
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine import ruleset
from engine.errors import Conflict, Illegal, Refused
from engine.loop import Filing, act_on, due_dossier, file_call, follow, legal_events, merge, missing, split
from engine.model.change import Change
from engine.model.dossier import MOVES, Act, DisputeCall, Dossier, DossierAct, DossierEvent, DossierState
from engine.model.message import LogEntry
from engine.model.order import Actor, Event, Order, OrderEvent, State
from engine.model.reading import Place
from engine.model.values import replace

CITY = ruleset.load(Path(__file__).parents[3] / "rules")
HERE = Place(district="wc", township="wc-gl", community="wc-gl-1")
SIGNS = st.sets(
    st.sampled_from(["violence", "weapon", "threat", "injury", "children", "elderly", "danger"]), max_size=2
)
SPANS = st.sampled_from([0, 1, HOUR, DAY, 3 * DAY, 8 * DAY, 40 * DAY])
RESULTS = {
    DossierEvent.MEDIATION: ["agreed", "failed", "partly"],
    DossierEvent.VISIT: ["calm", "tense", "absent"],
    DossierEvent.CALL_BACK: ["solved", "unsolved"],
}
FATES = st.sampled_from(["lives", "lives", "lives", "dies before it is stored", "dies before it is answered"])
EVENTS = st.sampled_from([e for e in DossierEvent if e not in (DossierEvent.MERGE, DossierEvent.SPLIT)])
ACTORS = st.sampled_from(list(Actor))
LISTS = tuple(f"dossiers:state:{s}" for s in DossierState) + tuple(f"dossiers:grade:{g}" for g in CITY.grades)
Decides = Callable[[Dossier], Change | None]
_dossier = msgspec.json.Decoder(Dossier).decode
RANK = {g.id: g.rank for g in CITY.grades.values()}


@dataclass
class Expected:
    """Reference model of one dossier: what a reader of the rules would keep on paper."""

    calls: set[str] = field(default_factory=set)
    agreed: bool = False
    kept: bool = False
    visited: bool = False
    """Somebody was met there since the present agreement."""
    closed: bool = False
    merged: bool = False

    def agree(self) -> None:
        self.agreed, self.kept, self.visited = True, False, False

    def start_again(self) -> None:
        self.agreed = self.kept = self.visited = self.closed = False


class Files(RuleBasedStateMachine):
    """A few dossiers in the hands of callers, bodies, officers and the clock."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.now = T0
        self.held: dict[str, Dossier] = {}
        self.orders: dict[str, Order] = {}
        self.lines: dict[str, list[LogEntry]] = {}
        self.model: dict[str, Expected] = {}
        self.messages: set[str] = set()
        self.stale: list[Dossier] = []
        self.leased: dict[str, int] = {}
        """Until when a dead worker holds a dossier's clock."""
        self.touched: set[str] = set()
        """Dossiers to be compared with the store."""
        self.n = 0

    # --- what was committed: the store is read, the reference model goes along

    def _commit(self, change: Change, idem: str = "") -> None:
        if change != Change():
            assert self.store.commit(change, self.now, idem, b"done") == b"done"
            self._note(change)

    def _note(self, change: Change) -> None:
        for dossier in change.dossiers:
            before = self.held.get(dossier.dossier_id)
            assert dossier.version == (before.version if before else 0) + 1
            if before is not None:
                self.stale.append(before)
            self.held[dossier.dossier_id] = dossier
            self.leased.pop(dossier.dossier_id, None)
            self.touched.add(dossier.dossier_id)
        for order in change.orders:
            old = self.orders.get(order.order_id)
            assert order.version == (old.version if old else 0) + 1
            self.orders[order.order_id] = order
        ids = [m.message_id for m in change.messages]
        assert len(ids) == len(set(ids))
        assert not self.messages & set(ids), "a receiver would take two messages for one"
        self.messages |= set(ids)
        for entry in change.log:
            self.lines.setdefault(entry.subject, []).append(entry)
            self.touched |= {entry.subject} & self.held.keys()

    def _call(self, signs: set[str], amount: float) -> DisputeCall:
        self.n += 1
        category = "order.fight" if "violence" in signs else "dispute.neighbour"
        return DisputeCall(
            f"C{self.n}",
            self.now,
            "漏水吵起来了",
            category,
            f"h{self.n % 3}",
            signs=tuple(sorted(signs)),
            amount=amount,
        )

    @initialize(signs=SIGNS)
    def opens(self, signs: set[str]) -> None:
        self.store.begin(CITY)
        self._open(signs)

    def _open(self, signs: set[str]) -> None:
        call = self._call(signs, 0.0)
        dossier_id = f"D{self.n}"
        self._commit(
            file_call(Filing(call, dossier_id, call.category, HERE), f"O{self.n}", "wc-gl-office", CITY, self.now)
        )
        self.model[dossier_id] = Expected(calls={call.call_id})

    def _pick(self, which: int) -> str:
        return sorted(self.held)[which % len(self.held)]

    def _living(self, dossier: Dossier) -> Dossier:
        while dossier.state is DossierState.MERGED:
            dossier = self.held[dossier.merged_into]
        return dossier

    # --- who does what

    @rule(span=SPANS | st.none())
    def time_goes_by(self, span: int | None) -> None:
        """Some span, or (None) just until the next alarm of them all."""
        next_alarm = min((d.alarm_at for d in self.held.values() if d.alarm_at is not None), default=0)
        self.now = self.now + span if span is not None else max(self.now, next_alarm)

    @rule(signs=SIGNS)
    def another_dispute(self, signs: set[str]) -> None:
        if len(self.held) < 4:
            self._open(signs)

    @rule(which=st.integers(0, 9), signs=SIGNS, amount=st.sampled_from([0.0, 1000.0, 60_000.0, 900_000.0]))
    def they_call_again(self, which: int, signs: set[str], amount: float) -> None:
        before = self.held[self._pick(which)]
        if before.state is DossierState.MERGED:
            return
        call = self._call(signs, amount)
        filing = Filing(call, before.dossier_id, call.category, HERE, before)
        self._commit(file_call(filing, f"O{self.n}", "wc-gl-station", CITY, self.now))
        self._called(before, filing)

    def _called(self, before: Dossier, filing: Filing) -> None:
        """The reference model after a call that was filed."""
        after, told = self.held[before.dossier_id], self.model[before.dossier_id]
        assert file_call(replace(filing, dossier=after), "O", "b", CITY, self.now) == Change(), "filed once"
        assert RANK[after.grade] <= RANK[before.grade], "a call never calms"
        told.calls.add(filing.call.call_id)
        if told.closed:
            told.start_again()
        for sign in {"violence", "weapon"} & set(filing.call.signs):
            assert after.grade == "red", sign

    @rule(
        which=st.integers(0, 9),
        kind=EVENTS,
        actor=ACTORS,
        result=st.integers(0, 2),
        promises=st.integers(0, 2),
        act=st.sampled_from([0, 0, 0, 1, 2, 7]),
        late=st.booleans(),
        fate=FATES,
    )
    def somebody_tries(
        self, which: int, kind: DossierEvent, actor: Actor, result: int, promises: int, act: int, late: bool, fate: str
    ) -> None:
        before, event = self.held[self._pick(which)], self._act(kind, actor, result, promises, act, late)
        change = self._decided(before, event)
        if change is None or fate == "dies before it is stored":
            return  # the invariants look whether anything is left of it
        idem = f"{before.dossier_id}{before.version}" if fate == "dies before it is answered" else ""
        self._commit(change, idem)
        self._remember(before, self.held[before.dossier_id], event)
        if idem:  # asked again, the store answers what it answered and writes nothing
            again = self._decided(self.held[before.dossier_id], event) or change
            assert self.store.commit(again, self.now, idem, b"something else") == b"done"

    @rule(which=st.integers(0, 9), goes_there=st.booleans(), visit_first=st.booleans())
    def somebody_wants_it_closed(self, which: int, goes_there: bool, visit_first: bool) -> None:
        """The short way to a closed file; without a visit after the agreement it must not get there."""
        seen = [DossierEvent.VISIT] if goes_there else []
        way = [DossierEvent.AGREEMENT, DossierEvent.KEPT]
        for kind in (*(seen + way if visit_first else way + seen), DossierEvent.CLOSE):
            before, event = self.held[self._pick(which)], self._act(kind, Actor.OFFICER, 0, 0, 0, False)
            if (change := self._decided(before, event)) is not None:
                self._commit(change)
                self._remember(before, self.held[before.dossier_id], event)

    def _act(self, kind: DossierEvent, actor: Actor, result: int, promises: int, act: int, late: bool) -> DossierAct:
        results = RESULTS.get(kind, [""])
        acts = tuple(Act(0, "甲", "修好", self.now + DAY if late else None) for _ in range(promises))
        return DossierAct(
            kind, self.now, actor, "somebody", "因为", results[result % len(results)], acts=acts, act=act,
            grade="yellow", elements={"cause": "漏水"},
        )  # fmt: skip

    def _decided(self, before: Dossier, event: DossierAct) -> Change | None:
        """What the loop answers; None when it refuses, and then it names exactly what is legal."""
        legal = legal_events(before, event.actor)
        named: tuple[str, ...] | None = None
        try:
            change = act_on(before, event, CITY, self.now)
        except Illegal as error:
            named = error.legal
        except Refused:
            assert event.type in (DossierEvent.KEPT, DossierEvent.BROKEN)
            assert event.act not in [a.number for a in before.acts if a.state == "open"]
            return None
        if named is not None:
            assert event.type not in legal
            assert named == tuple(e.value for e in legal)
            self.store.tally[f"refused {event.type.value}"] += 1
            return None
        assert event.type in legal
        assert change == act_on(before, event, CITY, self.now), "the same question, the same answer"
        return change

    def _remember(self, before: Dossier, after: Dossier, event: DossierAct) -> None:
        told = self.model[before.dossier_id]
        self.store.tally[f"did {event.type.value}"] += 1
        if event.type is DossierEvent.AGREEMENT or (event.type, event.result) == (DossierEvent.MEDIATION, "agreed"):
            told.agree()
        elif event.type is DossierEvent.MEDIATION:
            told.agreed = told.kept = False
        elif event.type is DossierEvent.KEPT:
            told.kept = not any(a.state == "open" for a in after.acts)
        elif event.type is DossierEvent.BROKEN:
            told.start_again()
        elif event.type is DossierEvent.VISIT and event.result != "absent":
            told.visited = True
        elif event.type is DossierEvent.CLOSE:
            assert told.agreed, "closed without an agreement"
            assert told.kept, "closed before it was kept"
            assert told.visited, "closed without a visit after the agreement"
            told.closed = True
        elif event.type is DossierEvent.REOPEN:
            told.start_again()

    @rule(one=st.integers(0, 9), other=st.integers(0, 9), actor=st.sampled_from(list(Actor)))
    def two_become_one(self, one: int, other: int, actor: Actor) -> None:
        source, target = self.held[self._pick(one)], self.held[self._pick(other)]
        if (change := self._merge(source, target, actor)) is not None:
            self._commit(change)
            self._became_one(source, target)

    def _merge(self, source: Dossier, target: Dossier, actor: Actor) -> Change | None:
        event = DossierAct(DossierEvent.MERGE, self.now, actor, "officer", "同一家")
        own = [self.orders[i] for i in source.order_ids if i in self.orders]
        try:
            return merge(source, target, own, event, CITY, self.now)
        except (Illegal, Refused):
            merged = DossierState.MERGED in (source.state, target.state)
            assert merged or source == target or actor is Actor.BODY
            return None

    def _became_one(self, source: Dossier, target: Dossier) -> None:
        """The reference model after a merge."""
        self.store.tally["did merge"] += 1
        gone, whole = self.model[source.dossier_id], self.model[target.dossier_id]
        if whole.closed and not gone.closed:
            whole.start_again()
        whole.calls |= gone.calls
        gone.merged = True
        after = self.held[target.dossier_id]
        assert RANK[after.grade] == min(RANK[source.grade], RANK[target.grade])
        assert len(after.acts) == len(source.acts) + len(target.acts)
        whole.kept = after.state in (DossierState.KEPT, DossierState.CLOSED)

    @rule(which=st.integers(0, 9), how_many=st.integers(0, 3), actor=st.sampled_from(list(Actor)))
    def some_calls_were_another_matter(self, which: int, how_many: int, actor: Actor) -> None:
        source = self.held[self._pick(which)]
        if len(self.held) > 5:
            return
        calls = source.call_ids[:how_many]
        event = DossierAct(DossierEvent.SPLIT, self.now, actor, "officer", "另一件", calls=calls)
        own = [self.orders[i] for i in source.order_ids if i in self.orders]
        try:
            change = split(source, event, own, CITY, self.now)
        except (Illegal, Refused):
            legal = DossierEvent.SPLIT in legal_events(source, actor)
            assert not legal or not calls or len(calls) == len(source.call_ids)
            return
        self._commit(change)
        self.store.tally["did split"] += 1
        new = change.dossiers[-1]
        self.model[source.dossier_id].calls -= set(calls)
        self.model[new.dossier_id] = Expected(calls=set(calls))

    @rule(fate=FATES)
    def the_clock_looks(self, fate: str) -> None:
        due = {
            d.dossier_id
            for d in self.held.values()
            if d.alarm_at is not None and max(d.alarm_at, self.leased.get(d.dossier_id, 0)) <= self.now
        }
        rung = {one.subject: one.record for one in self.store.due(self.now) if one.kind == "dossier"}
        assert rung.keys() == due
        if fate == "dies before it is stored":
            self.leased |= dict.fromkeys(due, self.now + LEASE_MS)
            self.touched |= due
            return
        for dossier_id in sorted(due):
            before, change = self.held[dossier_id], due_dossier(_dossier(rung[dossier_id]), CITY, self.now)
            assert change == due_dossier(before, CITY, self.now) != Change()
            self._commit(change)
            self._rang(before)

    def _rang(self, before: Dossier) -> None:
        self.store.tally["rang"] += 1
        after = self.held[before.dossier_id]
        assert due_dossier(after, CITY, self.now) == Change()
        assert after.alarm_at is None or after.alarm_at > self.now, "a clock that rings for ever"
        if before.visit_at is not None and before.visit_at <= self.now:
            assert self.orders[after.visit_order].is_open, "a due visit is an order"

    @rule(
        which=st.integers(0, 9),
        moves=st.lists(st.tuples(EVENTS, ACTORS), min_size=1, max_size=3),
        others=st.sets(st.sampled_from(["call", "clock", "merge"])),
        into=st.integers(0, 9),
    )
    def several_at_once(self, which: int, moves: list[tuple[DossierEvent, Actor]], others: set[str], into: int) -> None:
        """All read the same file; of those who may act one is first, the others look again until nobody is left."""
        name = self._pick(which)
        if self.held[name].state is DossierState.MERGED:
            return
        events = {f"{n} {kind}": self._act(kind, actor, 0, 0, 0, False) for n, (kind, actor) in enumerate(moves)}
        waiting: dict[str, Decides] = {}
        for who, event in events.items():
            waiting[who] = lambda dossier, event=event: self._decided(dossier, event)  # type: ignore[misc]  # the event is bound here
        call, target = self._call({"threat"}, 0.0) if "call" in others else None, self._pick(into)
        waiting |= self._others(others, call, target)
        while asked := {
            who: change
            for who, decides in waiting.items()
            if (change := decides(self.held[name])) not in (None, Change())
        }:
            before, goal = self.held[name], self.held[target]
            taken = self.store.race(list(asked.values()), self.now)
            assert sum(taken) == 1, "of those who read one version one is first"
            first = list(asked)[taken.index(True)]
            self.store.tally[f"raced by {len(asked)}"] += 1
            if first in events:
                self._note(asked[first])
                self._remember(before, self.held[name], events[first])
            else:
                self._other_was_first(first, asked[first], before, goal, call)
            del waiting[first]

    def _others(self, names: set[str], call: DisputeCall | None, target: str) -> dict[str, Decides]:
        every: dict[str, Decides] = {
            "clock": lambda d: due_dossier(d, CITY, self.now),
            "merge": lambda d: self._merge(d, self.held[target], Actor.OFFICER),
        }
        if call is not None:
            every["call"] = lambda d: file_call(_filing(call, self._living(d)), call.call_id, "", CITY, self.now)
        return {name: every[name] for name in names}

    def _other_was_first(
        self, who: str, change: Change, before: Dossier, goal: Dossier, call: DisputeCall | None
    ) -> None:
        filed = self._living(before)
        self._note(change)
        if who == "clock":
            self._rang(before)
        elif who == "merge":
            self._became_one(before, goal)
        elif call is not None:
            self._called(filed, _filing(call, filed))

    @precondition(lambda self: len(self.stale) > 0)
    @rule(back=st.integers(1, 3), kind=EVENTS, actor=ACTORS)
    def somebody_acts_on_what_they_read_earlier(self, back: int, kind: DossierEvent, actor: Actor) -> None:
        old, event = self.stale[-min(back, len(self.stale))], self._act(kind, actor, 0, 0, 0, False)
        if kind in legal_events(old, actor) and kind not in (DossierEvent.KEPT, DossierEvent.BROKEN):
            with pytest.raises(Conflict):
                self.store.commit(act_on(old, event, CITY, self.now), self.now)
            self.store.tally["too late"] += 1

    @rule(which=st.integers(0, 9), how=st.sampled_from(["calm", "tense", "absent", "", "cancelled"]))
    def a_visit_order_comes_back(self, which: int, how: str) -> None:
        dossier = self.held[self._pick(which)]
        order = self.orders.get(dossier.visit_order)
        if order is None or not order.is_open:
            return
        state = State.CANCELLED if how == "cancelled" else State.CLOSED
        done = replace(order, version=order.version + 1, state=state, due=None, alarm_at=None)
        event = OrderEvent(Event.REPORT, self.now, Actor.BODY, "村", "去过", {"result": how})
        told = None if how == "cancelled" else event
        self._commit(Change(orders=(done,)) + follow(dossier, done, told, CITY, self.now))
        after = self.held[dossier.dossier_id]
        assert after.visit_order == ""
        assert len(after.visits) == len(dossier.visits) + (told is not None and dossier.is_open)
        if told is not None and not dossier.is_open:
            assert self.lines[dossier.dossier_id][-1].what == "dossier.note", "what comes too late is not lost"
        if told is not None and how != "absent":
            self.model[dossier.dossier_id].visited = True

    # --- what always holds

    @invariant()
    def every_call_is_in_exactly_one_living_file(self) -> None:
        living = [d for d in self.held.values() if d.state is not DossierState.MERGED]
        calls = [c for d in living for c in d.call_ids]
        assert len(calls) == len(set(calls)) == self.n
        for dossier in living:
            assert set(dossier.call_ids) == self.model[dossier.dossier_id].calls
            assert [c.call_id for c in dossier.calls] == list(dossier.call_ids)

    @invariant()
    def an_open_file_is_never_without_its_next_look(self) -> None:
        for dossier in self.held.values():
            if dossier.is_open:
                out = self.orders.get(dossier.visit_order)
                assert (dossier.visit_at is not None) != (out is not None and out.is_open)
            else:
                assert dossier.visit_at is None
                assert dossier.alarm_at is None

    @invariant()
    def the_colour_and_its_reasons_are_the_last_of_their_story(self) -> None:
        for dossier in self.held.values():
            assert dossier.grades[-1].grade == dossier.grade
            assert dossier.grades[-1].reasons == dossier.grade_reasons
            assert all(g.reasons for g in dossier.grades)

    @invariant()
    def the_state_is_what_paper_says(self) -> None:
        for dossier_id, told in self.model.items():
            dossier = self.held[dossier_id]
            assert (dossier.state is DossierState.MERGED) == told.merged
            if not told.merged:
                assert (dossier.state is DossierState.CLOSED) == told.closed == dossier.closed
                assert (dossier.state in (DossierState.KEPT, DossierState.CLOSED)) == told.kept
            if dossier.state is DossierState.KEPT and told.visited:
                assert not missing(dossier)

    @invariant()
    def the_store_has_exactly_that(self) -> None:
        """Dossier, version, line, clock and lists: nothing of what died, all of what was answered."""
        for dossier_id in sorted(self.touched):
            dossier, told = self.held[dossier_id], self.store.told("dossier", dossier_id, *LISTS)
            assert _dossier(told.json) == dossier
            assert told.version == dossier.version
            assert told.line == self.lines[dossier_id]
            held = self.leased.get(dossier_id, 0)
            assert told.alarm == (max(dossier.alarm_at, held) if dossier.alarm_at is not None else None)
            assert told.listed == {f"dossiers:state:{dossier.state}", f"dossiers:grade:{dossier.grade}"}
        self.touched.clear()

    @invariant()
    def lines_are_whole_and_in_order(self) -> None:
        for dossier_id, dossier in self.held.items():
            line = self.lines[dossier_id]
            assert [e.at for e in line] == sorted(e.at for e in line)
            told = [e.data["version"] for e in line]
            assert told == sorted(told)
            assert set(told) == set(range(1, dossier.version + 1)), "a version without an entry"


def _filing(call: DisputeCall, dossier: Dossier) -> Filing:
    return Filing(call, dossier.dossier_id, call.category, HERE, dossier)


def test_every_event_has_a_row_and_every_row_a_meaning() -> None:
    assert {m.event for m in MOVES} == set(DossierEvent)
    assert all(m.meaning and m.sources and m.actors for m in MOVES)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fresh_store(tmp_path_factory.mktemp("store")) as opened:
        yield opened


def test_dossiers_in_any_hands(store: Store) -> None:
    campaign(lambda: Files(store), runs=30, steps=25)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_dossiers_in_any_hands(store: Store) -> None:
    campaign(lambda: Files(store), runs=10_000, steps=25)
    every = {f"did {event.value}" for event in DossierEvent}
    assert not every - set(store.tally), "a move that nobody made"
