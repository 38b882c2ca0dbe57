"""Alerting room: durable-rules as the working memory in which hits become alerts, chain, rise and inhibit.

Only the sound way of using it (the figures are in docs/authoring.md): no background threads, one constant
sid, explicit ids, facts asserted and all of them retracted after each call, one lock, at most 50 rules in a
ruleset, joins of two facts, actions that only note and assert. Conditions of authors never come here: the
engine has already decided what hit.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any
from weakref import finalize

import durable_rules_engine
from durable.engine import Host, MessageNotHandledException, MessageObservedException

from engine.alerting.relations import Relation, Voice, shared_rulesets

SID = "0"


def _delete(handles: list[Any]) -> None:
    for handle in handles:
        durable_rules_engine.delete_ruleset(handle)


class _Host(Host):  # type: ignore[misc]  # durable-rules has no types
    """A host without the library's background threads."""

    def _run(self) -> None:
        """No timers and no dispatching: whatever is asserted is worked off at once."""


class WorkingMemory:
    """One host with its lock. Use from any thread; each question leaves it empty."""

    def __init__(self, relations: Iterable[Relation]) -> None:
        self._lock = Lock()
        self._relations = {relation.model: relation for relation in relations}
        self._heard = {other for relation in self._relations.values() for other in relation.others}
        self._alone = {model for model, r in self._relations.items() if not r.others and model not in self._heard}
        self._noted: list[tuple[str, str, str]] = []
        self._errors: list[Exception] = []
        self._met: dict[str, set[str]] = defaultdict(set)
        self._shard_of: dict[str, str] = {}
        shards = list(shared_rulesets(self._relations.values()))
        definitions = {f"chain{n}": self._chain_rules(shard) for n, shard in enumerate(shards)}
        for number, shard in enumerate(shards):
            self._shard_of.update((relation.model, f"chain{number}") for relation in shard)
        self._host: Any = _Host()
        self._host.set_rulesets({**definitions, "voice": self._voice_rules()})
        handles = [self._host.get_ruleset(name)._handle for name in (*definitions, "voice")]
        self._free = finalize(self, _delete, handles)

    def chain(self, hits: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
        """(models that fire, (model, model whose alert makes it rise) pairs) for the models that hit.

        A model that listens to nobody, and nobody to it, fires when it hits: the memory need not be asked.
        """
        alone, tied = [m for m in hits if m in self._alone], [m for m in hits if m not in self._alone]
        if not tied:
            return alone, []
        with self._lock:
            by_shard: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for model in tied:
                plain = not self._relations[model].chained
                fact = {"id": f"hit:{model}", "kind": "hit", "model": model, "plain": int(plain)}
                by_shard[self._shard_of[model]].append(fact)
            noted = [note for name, facts in by_shard.items() for note in self._run(name, facts)]
        fired = [model for what, model, _ in noted if what == "alert"]
        return alone + fired, [(model, other) for what, model, other in noted if what == "rise"]

    def speak(self, voices: Sequence[Voice]) -> dict[str, str]:
        """Model that keeps quiet → model that speaks for it.

        Whoever is alone of its family, and named by nobody, speaks: of those the memory need not be asked.
        """
        heavy_first = sorted(voices, key=lambda voice: -voice.weight)
        quieters: dict[str, str] = {}
        for voice in heavy_first:
            for target in voice.quiets:
                quieters.setdefault(target, voice.model)
        families = Counter(voice.family for voice in voices if voice.family)
        tied = [v for v in heavy_first if families[v.family] > 1 or quieters.get(v.model, v.model) != v.model]
        if not tied:
            return {}
        facts: list[dict[str, Any]] = [
            {"id": f"quiet:{voice.model}", "kind": "quiet", "target": voice.model, "by": quieters[voice.model]}
            for voice in tied
            if quieters.get(voice.model, voice.model) != voice.model
        ]
        facts += [
            {
                "id": f"voice:{voice.model}",
                "kind": "voice",
                "model": voice.model,
                "in_family": int(voice.family > 0),
                "family": voice.family,
                "weight": voice.weight,
            }
            for voice in tied
        ]
        with self._lock:
            noted = self._run("voice", facts)
        return {model: by for what, model, by in reversed(noted) if what == "inhibited"}

    def close(self) -> None:
        """Frees the C heap of the rulesets, once. Nothing may be asked afterwards.

        A memory that nobody holds any more frees itself, so an engine that was replaced may just be dropped.
        """
        with self._lock:
            self._free()

    def _run(self, ruleset: str, facts: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
        """Asserts, reads what was noted, and sweeps everything out again, whatever happens."""
        self._noted.clear()
        self._errors.clear()
        self._met.clear()
        try:
            for fact in facts:
                self._assert(ruleset, fact)
        finally:
            for left in self._host.get_facts(ruleset, SID):
                self._retract(ruleset, left)
        if self._errors:
            raise RuntimeError("the working memory failed") from self._errors[0]
        return list(self._noted)

    def _assert(self, ruleset: str, fact: dict[str, Any]) -> None:
        before = len(self._noted)
        try:
            self._host.assert_fact(ruleset, {**fact, "sid": SID})
        except MessageNotHandledException:
            return  # nothing matched: the normal case
        if any(what == "inhibited" for what, *_ in self._noted[before:]):
            # An inhibited voice inhibits nobody in its family: never more than one match is pending.
            self._retract(ruleset, {**fact, "sid": SID})

    def _retract(self, ruleset: str, fact: dict[str, Any]) -> None:
        try:
            self._host.retract_fact(ruleset, fact)
        except (MessageNotHandledException, MessageObservedException):
            return

    def _guarded(self, action: Callable[[Any], None]) -> Callable[[Any], None]:
        """durable-rules swallows what an action raises; here it is kept."""

        def run(c: Any) -> None:
            try:
                action(c)
            except Exception as error:  # kept and raised after the sweep
                self._errors.append(error)

        return run

    def _chain_rules(self, shard: Sequence[Relation]) -> dict[str, Any]:
        rules: dict[str, Any] = {
            "plain": {
                "all": [{"hit": {"$and": [{"kind": "hit"}, {"plain": 1}]}}],
                "run": self._guarded(lambda c: self._alert(c, str(c.hit.model))),
            }
        }
        for relation in shard:
            for other in relation.others:
                rules[f"{relation.model}<{other}"] = self._join(relation, other)
        return rules

    def _join(self, relation: Relation, other: str) -> dict[str, Any]:
        own = {"own": {"$and": [{"kind": "hit"}, {"model": relation.model}]}}
        alert = {"other": {"$and": [{"kind": "alert"}, {"model": other}]}}
        return {"all": [own, alert], "run": self._guarded(lambda c: self._joined(c, relation, other))}

    def _joined(self, c: Any, relation: Relation, other: str) -> None:
        """Another alert stands beside a model's own hit: it may complete a chain, or raise its grade."""
        if other in relation.rises_with:
            self._noted.append(("rise", relation.model, other))
        met = self._met[relation.model]
        met.add(other)
        complete = relation.chained and met.issuperset(relation.all_of)
        if complete and (not relation.any_of or not met.isdisjoint(relation.any_of)):
            self._alert(c, relation.model)

    def _alert(self, c: Any, model: str) -> None:
        if ("alert", model, "") in self._noted:
            return
        self._noted.append(("alert", model, ""))
        if model not in self._heard:
            return  # no model listens to this alert
        try:
            c.assert_fact({"id": f"alert:{model}", "kind": "alert", "model": model})
        except MessageNotHandledException:
            return  # none of those that listen has hit

    def _voice_rules(self) -> dict[str, Any]:
        heavier = {"$and": [{"kind": "voice"}, {"in_family": 1}]}
        lighter = {
            "$and": [
                {"kind": "voice"},
                {"in_family": 1},
                {"family": {"a": "family"}},
                {"$lt": {"weight": {"a": "weight"}}},
            ]
        }
        named = {"$and": [{"kind": "voice"}, {"model": {"a": "target"}}]}
        return {
            "family": {"all": [{"a": heavier}, {"b": lighter}], "run": self._guarded(self._outweighed)},
            "quiet": {"all": [{"a": {"kind": "quiet"}}, {"b": named}], "run": self._guarded(self._quieted)},
        }

    def _outweighed(self, c: Any) -> None:
        self._noted.append(("inhibited", str(c.b.model), str(c.a.model)))

    def _quieted(self, c: Any) -> None:
        self._noted.append(("inhibited", str(c.b.model), str(c.a.by)))
