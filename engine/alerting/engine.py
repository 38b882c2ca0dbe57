"""Alerting room: the compiled models, asked in two phases. `plan` needs no store; `fire` needs its answer."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from engine.alerting.compiled import Compiled
from engine.alerting.cooling import INHIBITED, Cooldowns, cooldown_keys, cooling, mark_of
from engine.alerting.drafting import Firing, draft_of
from engine.alerting.explaining import Told, explain
from engine.alerting.facts import late_values, with_values
from engine.alerting.fields import Moment
from engine.alerting.hits import Hit, firing_of, priority
from engine.alerting.index import Index, Item
from engine.alerting.measures import Measured
from engine.alerting.models import ModelSet
from engine.alerting.relations import Relation, Voice
from engine.alerting.values import AlertDraft, Facts, Fired, Plan, Timer
from engine.alerting.windows import Window
from engine.alerting.working_memory import WorkingMemory
from engine.errors import NotFound
from engine.model.alert import WindowEntry, WindowQuery
from engine.model.city import City
from engine.model.decision import Decision, Links
from engine.strictyaml_words import nearest

Entries = Mapping[str, Sequence[WindowEntry]]
_NOTHING = Fired()
_NO_LINKS = Links()


class Engine:
    """One set of models, compiled. Shareable: every call is synchronous and leaves nothing behind."""

    def __init__(self, models: ModelSet, city: City) -> None:
        self.models = models
        self.city = city
        self._active = models.active
        self._by_id = {model.id: model for model in self._active}
        self._watched = frozenset(model.moment for model in self._active)
        self._index = Index(_items(self._active), city.taxonomy.categories)
        self._memory = WorkingMemory(map(_relation, self._active))
        names = sorted({model.family for model in self._active if model.family})
        self._families = {name: number for number, name in enumerate(names, 1)}

    def close(self) -> None:
        """Frees the working memory; call it after another engine took over."""
        self._memory.close()

    def watches(self, moment: Moment) -> bool:
        """Whether any model asks about such events."""
        return moment in self._watched

    def plan(self, facts: Facts) -> Plan:
        """Phase one: which models could fire, and what the store must be asked for that."""
        own: list[int] = []
        marks: dict[tuple[int, int], list[int]] = {}
        for found in self._index.matching(facts):
            if found.window < 0:
                own.append(found.model)
            else:
                marks.setdefault((found.model, found.window), []).append(found.mark)
        if not own and not marks:
            return Plan(facts, (), (), ())
        hits = tuple(self._active[number] for number in sorted(own))
        queries = tuple(self._queries(facts, set(own), marks))
        return Plan(facts, hits, queries, cooldown_keys(hits, facts))

    def _queries(self, facts: Facts, own: set[int], marks: dict[tuple[int, int], list[int]]) -> Iterator[WindowQuery]:
        for number in sorted(own | {model for model, _ in marks}):
            for place, window in enumerate(self._active[number].windows):
                found = sorted(marks.get((number, place), ()))
                enters = bool(found) if window.own_filter else number in own
                if not enters and number not in own:
                    continue
                query = window.query(facts, found, enters=enters, read=number in own)
                if query is not None:
                    yield query

    def fire(
        self,
        plan: Plan,
        entries: Entries,
        cooldowns: Cooldowns,
        links: Links = _NO_LINKS,
        decision: Decision | None = None,
    ) -> Fired:
        """Phase two: what fires, given the windows' entries by key and the cool-downs by key."""
        if not plan.hits:
            return _NOTHING
        facts = plan.facts
        if facts.moment is Moment.CALL:
            facts = with_values(facts, late_values(links, decision))
        asked = {query.key: query for query in plan.queries}
        hits = [hit for model in plan.hits if (hit := self._hit(model, facts, asked, entries, plan.woken))]
        timers = tuple(self._timer(hit, facts) for hit in hits if hit.model.silence is not None and not plan.woken)
        ready = [hit for hit in hits if plan.woken or hit.model.silence is None]
        if not ready:
            return Fired(timers=timers)
        firings = self._graded(ready, facts)
        drafts = tuple(self._drafts(firings, facts, plan.at, cooldowns))
        marks = tuple(mark for firing, draft in drafts if (mark := mark_of(firing, draft, plan.at)))
        return Fired(tuple(draft for _, draft in drafts), marks, timers)

    def wake(self, timer: Timer) -> Plan | None:
        """The plan by which a timer that is due is checked; None when its model is gone or was changed."""
        model = self._by_id.get(timer.model)
        if model is None or model.version != timer.model_version:
            return None
        keys = cooldown_keys((model,), timer.facts)
        return Plan(timer.facts, (model,), (timer.query,), keys, woken=timer.window, due_at=timer.due_at)

    def firing(self, plan: Plan, entries: Entries, facts: Facts) -> frozenset[str]:
        """Models that fire on the event, cooled down or not; `facts` carry the late values."""
        asked = {query.key: query for query in plan.queries}
        hits = [hit for model in plan.hits if (hit := self._hit(model, facts, asked, entries, plan.woken))]
        return frozenset(firing.model.id for firing in self._graded(hits, facts)) if hits else frozenset()

    def explain(
        self,
        model_id: str,
        facts: Facts,
        entries: Entries,
        cooldowns: Cooldowns,
        links: Links = _NO_LINKS,
        decision: Decision | None = None,
    ) -> Told:
        """Why the model fired for this event, or why not. Raises NotFound for a model that does not run."""
        model = self._by_id.get(model_id)
        if model is None:
            raise NotFound(f'no live or shadow model "{model_id}": {nearest(model_id, self._by_id)}')
        plan = self.plan(facts)
        fired = self.fire(plan, entries, cooldowns, links, decision)
        if facts.moment is Moment.CALL:
            facts = with_values(facts, late_values(links, decision))
        return explain(self, model, facts, plan, entries, cooldowns, fired.drafts)

    def _hit(
        self, model: Compiled, facts: Facts, asked: dict[str, WindowQuery], entries: Entries, woken: str
    ) -> Hit | None:
        """The model's hit, or None. A woken model has only its silence left to check."""
        if not woken and model.late is not None and not model.late.test(facts.values):
            return None
        measured: dict[str, Measured] = {}
        for window in model.windows:
            if woken and window.name != woken:
                continue
            found = self.measure(window, facts, asked, entries)
            if found.value < window.least:
                return None
            measured[window.name] = found
        return Hit(model, model.group(facts.values, facts.event_id), measured)

    @staticmethod
    def measure(window: Window, facts: Facts, asked: Mapping[str, WindowQuery], entries: Entries) -> Measured:
        """What one window measures for this event."""
        key = window.key(facts.values)
        query = asked.get(key) if key else None
        return window.measured(query, facts, entries.get(key, ()) if key else ())

    @staticmethod
    def _timer(hit: Hit, facts: Facts) -> Timer:
        window = hit.model.silence
        assert window is not None  # noqa: S101 - only models with a silence get here
        key = window.key(facts.values) or ""
        query = WindowQuery(key, "", facts.at, window.length, window.limit)
        return Timer(
            key=f"{key}|{facts.event_id}",
            due_at=facts.at + window.length,
            model=hit.model.id,
            model_version=hit.model.version,
            window=window.name,
            query=query,
            facts=facts,
        )

    def _graded(self, hits: Sequence[Hit], facts: Facts) -> list[Firing]:
        """Hits through the working memory: what fires, at which grade."""
        by_model = {hit.model.id: hit for hit in hits}
        fired, rises = self._memory.chain(list(by_model))
        rising: dict[str, set[str]] = defaultdict(set)
        for model, other in rises:
            rising[model].add(other)
        return [firing_of(by_model[model], facts, frozenset(rising[model] & set(fired))) for model in fired]

    def _drafts(
        self, firings: Sequence[Firing], facts: Facts, at: int, cooldowns: Cooldowns
    ) -> Iterator[tuple[Firing, AlertDraft]]:
        """Drafts in the order of their priority; those that cool down are left out."""
        quiet = self._memory.speak([self._voice(firing) for firing in firings if firing.live])
        for firing in sorted(firings, key=priority):
            if cooling(firing, at, cooldowns):
                continue
            silenced = quiet.get(firing.model.id) or self.models.silenced(firing.model.id, facts)
            if silenced and firing.live and cooling(firing, at, cooldowns, INHIBITED):
                continue
            yield firing, draft_of(firing, facts, silenced, self.city)

    def _voice(self, firing: Firing) -> Voice:
        rank = firing.model.ranks[firing.grade]
        weight = (1000 - rank) * 100_000 - firing.model.order
        family = self._families.get(firing.model.family, 0)
        return Voice(firing.model.id, family, weight, firing.model.inhibits)


def _items(models: Sequence[Compiled]) -> Iterator[tuple[Moment, Item]]:
    for number, model in enumerate(models):
        yield model.moment, Item(number, -1, -1, model.early.test, model.early)
        for place, window in enumerate(model.windows):
            for mark, node in enumerate(window.marks):
                yield model.moment, Item(number, place, mark, node.test, node)


def _relation(model: Compiled) -> Relation:
    with_ = tuple(dict.fromkeys(rise.with_alert for rise in model.rises if rise.with_alert))
    return Relation(model.id, model.all_of, model.any_of, with_)
