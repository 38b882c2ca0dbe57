"""Alerting room: events fed to an engine one after the other, in event time, with windows kept in memory.

The same two phases as in service; only the store is another. Tests beside models, the replay of an archive
and drafts all go through here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from engine.alerting.engine import Engine
from engine.alerting.facts import raised_facts
from engine.alerting.fields import Moment
from engine.alerting.values import AlertDraft, Facts, Plan, Timer
from engine.alerting.window_memory import WindowMemory
from engine.model.alert import WindowEntry
from engine.model.decision import Links

MOST_DEEP = 3
"""Alerts about alerts about alerts: deeper ones are not looked at, so that no circle goes on for ever."""
_FORGET = 100_000
"""Cool-downs kept before those that have ended are dropped."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A draft with the event that raised it and the instant at which it was raised."""

    draft: AlertDraft
    facts: Facts
    at: int
    told: Facts
    """The alert as an event of its own, which other models may watch."""


@dataclass(frozen=True, slots=True)
class Fed:
    """What one event did: everything `explain` needs, and what was raised."""

    plan: Plan
    entries: dict[str, tuple[WindowEntry, ...]]
    cooldowns: dict[str, int]
    raised: tuple[Raised, ...]


class Replay:
    """An engine with its own windows, cool-downs and timers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._windows = WindowMemory()
        self._cooldowns: dict[str, int] = {}
        self._timers: list[tuple[int, str, Timer]] = []
        self.clock = 0
        """The latest instant seen."""

    def feed(self, facts: Facts, links: Links | None = None) -> Fed:
        """One event. Timers that fell due before it have been asked for by `due`."""
        self.clock = max(self.clock, facts.at)
        return self._run(self.engine.plan(facts), facts.at, links or Links())

    def due(self, until: int) -> Iterator[Raised]:
        """Alerts of the silences that fall due up to and including `until`."""
        while self._timers and self._timers[0][0] <= until:
            at, _, timer = heappop(self._timers)
            self.clock = max(self.clock, at)
            plan = self.engine.wake(timer)
            if plan is not None:
                yield from self._run(plan, at, Links()).raised

    def _run(self, plan: Plan, at: int, links: Links, deep: int = 0) -> Fed:
        if plan.idle:
            return Fed(plan, {}, {}, ())
        entries = self._windows.answer(plan.queries)
        cooldowns = {key: self._cooldowns[key] for key in plan.cooldown_keys if key in self._cooldowns}
        fired = self.engine.fire(plan, entries, cooldowns, links)
        for mark in fired.cooldowns:
            self._cooldowns[mark.key] = mark.until
        if len(self._cooldowns) > _FORGET:
            self._cooldowns = {key: until for key, until in self._cooldowns.items() if until > self.clock}
        for timer in fired.timers:
            heappush(self._timers, (timer.due_at, timer.key, timer))
        return Fed(plan, entries, cooldowns, tuple(self._raised(plan, fired.drafts, at, deep)))

    def _raised(self, plan: Plan, drafts: tuple[AlertDraft, ...], at: int, deep: int) -> Iterator[Raised]:
        """Each alert, followed by what the models make of it."""
        event_id = plan.facts.event_id + (f"~{plan.woken}" if plan.woken else "")
        for draft in drafts:
            told = raised_facts(draft, event_id, plan.facts, at, self.engine.city)
            yield Raised(draft, plan.facts, at, told)
            if deep < MOST_DEEP and self.engine.watches(Moment.ALERT):
                yield from self._run(self.engine.plan(told), at, Links(), deep + 1).raised
