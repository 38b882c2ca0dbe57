"""Random events, calls, clocks, merges and splits on a few dossiers against a small reference model.

A sample in every run; ten thousand runs under the marker `soak`.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from errands import DAY, HOUR, T0
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from engine import ruleset
from engine.errors import Illegal, Refused
from engine.loop import Filing, act_on, due_dossier, file_call, follow, legal_events, merge, missing, split
from engine.model.change import Change
from engine.model.dossier import MOVES, Act, DisputeCall, Dossier, DossierAct, DossierEvent, DossierState
from engine.model.message import LogEntry
from engine.model.order import Actor, Event, Order, OrderEvent, State
from engine.model.reading import Place

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

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.held: dict[str, Dossier] = {}
        self.orders: dict[str, Order] = {}
        self.lines: dict[str, list[LogEntry]] = {}
        self.model: dict[str, Expected] = {}
        self.messages: set[str] = set()
        self.n = 0

    # --- the store: a change is taken only on the version before it

    def _commit(self, change: Change) -> None:
        for dossier in change.dossiers:
            before = self.held.get(dossier.dossier_id)
            assert dossier.version == (before.version if before else 0) + 1
            self.held[dossier.dossier_id] = dossier
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

    # --- who does what

    @rule(span=SPANS)
    def time_goes_by(self, span: int) -> None:
        self.now += span

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
        after, told = self.held[before.dossier_id], self.model[before.dossier_id]
        assert file_call(replace(filing, dossier=after), "O", "b", CITY, self.now) == Change(), "filed once"
        assert RANK[after.grade] <= RANK[before.grade], "a call never calms"
        told.calls.add(call.call_id)
        if told.closed:
            told.start_again()
        for sign in {"violence", "weapon"} & signs:
            assert after.grade == "red", sign

    @rule(
        which=st.integers(0, 9),
        kind=st.sampled_from([e for e in DossierEvent if e not in (DossierEvent.MERGE, DossierEvent.SPLIT)]),
        actor=st.sampled_from(list(Actor)),
        result=st.integers(0, 2),
        promises=st.integers(0, 2),
        act=st.sampled_from([0, 0, 0, 1, 2, 7]),
        late=st.booleans(),
    )
    def somebody_tries(
        self, which: int, kind: DossierEvent, actor: Actor, result: int, promises: int, act: int, late: bool
    ) -> None:
        self._try(which, kind, actor, result, promises, act, late)

    @rule(which=st.integers(0, 9), goes_there=st.booleans(), visit_first=st.booleans())
    def somebody_wants_it_closed(self, which: int, goes_there: bool, visit_first: bool) -> None:
        """The short way to a closed file; without a visit after the agreement it must not get there."""
        seen = [DossierEvent.VISIT] if goes_there else []
        way = [DossierEvent.AGREEMENT, DossierEvent.KEPT]
        for kind in (*(seen + way if visit_first else way + seen), DossierEvent.CLOSE):
            self._try(which, kind, Actor.OFFICER, 0, 0, 0, False)

    def _try(
        self, which: int, kind: DossierEvent, actor: Actor, result: int, promises: int, act: int, late: bool
    ) -> None:
        before = self.held[self._pick(which)]
        results = RESULTS.get(kind, [""])
        acts = tuple(Act(0, "甲", "修好", self.now + DAY if late else None) for _ in range(promises))
        event = DossierAct(
            kind, self.now, actor, "somebody", "因为", results[result % len(results)], acts=acts, act=act,
            grade="yellow", elements={"cause": "漏水"},
        )  # fmt: skip
        legal = legal_events(before, actor)
        named: tuple[str, ...] | None = None
        try:
            change = act_on(before, event, CITY, self.now)
        except Illegal as error:
            named = error.legal
        except Refused:
            assert kind in (DossierEvent.KEPT, DossierEvent.BROKEN)
            assert act not in [a.number for a in before.acts if a.state == "open"]
            return
        assert (named is None) == (kind in legal)
        if named is not None:
            assert named == tuple(e.value for e in legal)
            return
        self._commit(change)
        self._remember(before, self.held[before.dossier_id], event)

    def _remember(self, before: Dossier, after: Dossier, event: DossierAct) -> None:
        told = self.model[before.dossier_id]
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
        event = DossierAct(DossierEvent.MERGE, self.now, actor, "officer", "同一家")
        own = [self.orders[i] for i in source.order_ids if i in self.orders]
        try:
            change = merge(source, target, own, event, CITY, self.now)
        except (Illegal, Refused):
            merged = DossierState.MERGED in (source.state, target.state)
            assert merged or source == target or actor is Actor.BODY
            return
        self._commit(change)
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
        new = change.dossiers[-1]
        self.model[source.dossier_id].calls -= set(calls)
        self.model[new.dossier_id] = Expected(calls=set(calls))

    @rule(which=st.integers(0, 9))
    def the_clock_looks(self, which: int) -> None:
        before = self.held[self._pick(which)]
        change = due_dossier(before, CITY, self.now)
        due = before.alarm_at is not None and before.alarm_at <= self.now
        assert (change != Change()) == due
        self._commit(change)
        after = self.held[before.dossier_id]
        assert after.alarm_at is None or after.alarm_at > self.now, "a clock that rings for ever"
        if due and before.visit_at is not None and before.visit_at <= self.now:
            assert self.orders[after.visit_order].is_open, "a due visit is an order"

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
        assert len(after.visits) == len(dossier.visits) + (told is not None)
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
    def lines_are_in_order_and_no_version_is_silent(self) -> None:
        for dossier_id, dossier in self.held.items():
            line = self.lines[dossier_id]
            assert [e.at for e in line] == sorted(e.at for e in line)
            versions = {e.data["version"] for e in line}
            assert versions <= set(range(1, dossier.version + 1))


def test_every_event_has_a_row_and_every_row_a_meaning() -> None:
    assert {m.event for m in MOVES} == set(DossierEvent)
    assert all(m.meaning and m.sources and m.actors for m in MOVES)


def test_dossiers_in_any_hands() -> None:
    calm = settings(
        max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Files, settings=calm)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_dossiers_in_any_hands() -> None:
    long = settings(
        max_examples=10_000,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(Files, settings=long)
