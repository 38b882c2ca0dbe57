"""An independent evaluator: reads a model's plain YAML data and does everything the slow, obvious way.

It shares no code with the engine except the sketch of a text (whose likeness is a definition, not a result).
Every window is found by looking at every event ever seen; chains are found by trying all of them.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from engine.alerting.wording import likeness, sketch

UNIT = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DAY = UNIT["d"]


def ms(text: str) -> int:
    return int(text[:-1]) * UNIT[text[-1]]


def under(category: str | None, top: str) -> bool:
    return category is not None and (category == top or category.startswith(top + "."))


def holds(when: dict[str, Any], v: dict[str, Any]) -> bool:
    return all(holds_one(name, asked, v) for name, asked in when.items())


def holds_one(name: str, asked: Any, v: dict[str, Any]) -> bool:
    if name == "all":
        return all(holds(inner, v) for inner in asked)
    if name == "any":
        return any(holds(inner, v) for inner in asked)
    if name == "none":
        return not any(holds(inner, v) for inner in asked)
    if name == "extra":
        return all(holds_one(f"extra.{key}", inner, v) for key, inner in asked.items())
    value = v.get(name)
    if isinstance(asked, bool):
        return value is asked
    if name == "hour":
        return (value - asked["from"]) % 24 < (asked["to"] - asked["from"]) % 24
    return value_holds(name, asked, value, v)


def value_holds(name: str, asked: Any, value: Any, v: dict[str, Any]) -> bool:
    if isinstance(asked, str):
        asked = {"any_of": [asked]}
    if isinstance(asked, list):
        asked = {"any_of": asked}
    if isinstance(asked, int | float):
        asked = {"is": asked}
    if name == "text":
        return text_holds(asked, v)
    return all(bound_holds(name, key, wanted, value) for key, wanted in asked.items())


def text_holds(asked: dict[str, Any], v: dict[str, Any]) -> bool:
    text = v.get("text", "")
    if "any_of" in asked and not any(word in text for word in asked["any_of"]):
        return False
    if "all_of" in asked and not all(word in text for word in asked["all_of"]):
        return False
    if "none_of" in asked and any(word in text for word in asked["none_of"]):
        return False
    if "regex" in asked and not re.search(asked["regex"], text):
        return False
    if "near" in asked:
        words, within = asked["near"]["words"], asked["near"]["within"]
        stretches = (text[i : i + within] for i in range(len(text)))
        return any(all(word in stretch for word in words) for stretch in stretches)
    return True


def bound_holds(name: str, key: str, wanted: Any, value: Any) -> bool:
    if key == "known":
        return (value is not None) is wanted
    if value is None:
        return False
    if key == "any_of":
        return bool(set(wanted) & set(value)) if isinstance(value, tuple) else value in wanted
    if key == "all_of":
        return set(wanted) <= set(value)
    if key == "none_of":
        if name == "category":
            return not any(under(value, top) for top in wanted)
        return not set(wanted) & set(value) if isinstance(value, tuple) else value not in wanted
    if key == "under":
        return any(under(value, top) for top in ([wanted] if isinstance(wanted, str) else wanted))
    if isinstance(value, tuple):
        return len(set(value)) >= wanted
    compare = {
        "is": value == wanted,
        "at_least": value >= wanted,
        "at_most": value <= wanted,
        "more_than": value > wanted,
        "less_than": value < wanted,
    }
    return compare[key]


@dataclass
class Remembered:
    at: int
    id: str
    group: tuple[Any, ...]
    value: Any


@dataclass
class Slow:
    models: dict[str, dict[str, Any]]
    ranks: dict[str, int]
    seen: dict[tuple[str, str], list[Remembered]] = field(default_factory=dict)
    told: dict[tuple[str, str, str, bool], int] = field(default_factory=dict)
    waiting: list[tuple[int, str, str, Any]] = field(default_factory=list)

    def feed(self, facts: Any, late: dict[str, Any]) -> list[tuple[Any, ...]]:
        v = facts.values
        active = {id_: m for id_, m in self.models.items() if m["state"] in ("live", "shadow")}
        for id_, model in active.items():
            self.remember(id_, model, facts)
        everything = {**v, **late}
        hits: dict[str, dict[str, float]] = {}
        for id_, model in active.items():
            if not holds(model.get("when", {}), everything):
                continue
            measured = {name: self.measure(id_, name, w, facts) for name, w in model.get("over_time", {}).items()}
            least = {
                name: 1 if w["measure"] in ("sequence", "absence") else w["at_least"]
                for name, w in model.get("over_time", {}).items()
            }
            if all(measured[name] >= least[name] for name in measured):
                hits[id_] = measured
        for id_ in list(hits):
            for name, w in active[id_].get("over_time", {}).items():
                if w["measure"] == "absence":
                    self.waiting.append((facts.at + ms(w["within"]), id_, name, facts))
                    del hits[id_]
        return self.conclude(hits, active, facts, everything, facts.at)

    def due(self, until: int) -> list[tuple[Any, ...]]:
        ready = sorted([w for w in self.waiting if w[0] <= until], key=self.due_order)
        self.waiting = [w for w in self.waiting if w[0] > until]
        out = []
        for at, id_, name, facts in ready:
            value = self.measure(id_, name, self.models[id_]["over_time"][name], facts)
            if value:
                model = {id_: self.models[id_]}
                out += self.conclude({id_: {name: value}}, model, facts, facts.values, at)
        return out

    def due_order(self, waiting: tuple[int, str, str, Any]) -> tuple[int, str, str]:
        """Silences of one model that fall due at once come group by group, then call by call."""
        at, id_, name, facts = waiting
        by = self.models[id_]["over_time"][name].get("by", [])
        group = ",".join(f"{key}:{facts.values.get(key)}" for key in by)
        return at, id_, f"{group}|{facts.event_id}"

    def remember(self, id_: str, model: dict[str, Any], facts: Any) -> None:
        early = {k: c for k, c in model.get("when", {}).items() if k not in ("same_caller", "duplicate")}
        for name, w in model.get("over_time", {}).items():
            if any(facts.values.get(key) is None for key in w.get("by", [])):
                continue
            value: Any = ""
            if w["measure"] == "sequence":
                value = [n for n, step in enumerate(w["steps"]) if holds(step["of"], facts.values)]
                enters = bool(value)
            elif w["measure"] == "n_of":
                value = [n for n, sign in enumerate(w["signs"]) if holds(sign, facts.values)]
                enters = bool(value)
            else:
                enters = holds(w.get("of", early), facts.values)
            if w["measure"] == "near_duplicate":
                value = sketch(facts.values["text"])
            elif "field" in w:
                value = facts.values.get(w["field"])
                enters = enters and value is not None
            if enters:
                group = tuple(facts.values[key] for key in w.get("by", []))
                events = self.seen.setdefault((id_, name), [])
                events.append(Remembered(facts.at, facts.event_id, group, value))

    def measure(self, id_: str, name: str, w: dict[str, Any], facts: Any) -> float:
        by = w.get("by", [])
        if any(facts.values.get(key) is None for key in by):
            return 0
        group = tuple(facts.values[key] for key in by)
        length, at = ms(w["within"]), facts.at
        events = [e for e in self.seen.get((id_, name), []) if e.group == group]
        if w["measure"] == "rate":
            return self.rate(w, events, at, length)
        if w["measure"] == "absence":
            after = [e for e in events if at < e.at < at + length and e.id != facts.event_id]
            return 0 if after else 1
        if w["measure"] == "sequence":
            return float(self.sequence(w, events, facts, length))
        if w["measure"] == "near_duplicate":
            own = [e.value for e in events if e.id == facts.event_id]
            if not own:
                own = [""]
            events = [
                e for e in events if e.id == facts.event_id or likeness(e.value, own[0]) >= w.get("likeness", 0.6)
            ]
        best = 0.0
        for end in {at, *(e.at for e in events)}:
            if at <= end < at + length:
                inside = [e for e in events if end - length < e.at <= end]
                best = max(best, self.value_of(w["measure"], inside))
        return best

    @staticmethod
    def value_of(measure: str, inside: list[Remembered]) -> float:
        if measure in ("count", "near_duplicate"):
            return len(inside)
        if measure == "distinct":
            return len({str(e.value) for e in inside})
        if measure == "sum":
            return sum(float(e.value) for e in inside)
        return len({sign for e in inside for sign in e.value})

    @staticmethod
    def rate(w: dict[str, Any], events: list[Remembered], at: int, length: int) -> float:
        def number(day: int) -> int:
            start = (at - day * DAY) // length * length
            return sum(start <= e.at < start + length for e in events)

        days = [number(day) for day in range(1, w.get("days", 7) + 1)]
        while days and days[-1] == 0:
            days.pop()
        if len(days) < 3:
            return 0
        usual = sum(days) / len(days)
        return number(0) if number(0) >= usual * w["times"] else 0

    @staticmethod
    def sequence(w: dict[str, Any], events: list[Remembered], facts: Any, length: int) -> bool:
        steps = w["steps"]

        def extend(chain: list[Remembered]) -> bool:
            number = len(chain)
            if number == len(steps):
                return any(e.id == facts.event_id for e in chain)
            for event in events:
                if number not in event.value:
                    continue
                if chain:
                    apart = event.at - chain[-1].at
                    gap = steps[number].get("gap")
                    if apart <= 0 or (gap and apart > ms(gap)) or event.at - chain[0].at >= length:
                        continue
                if extend([*chain, event]):
                    return True
            return False

        return extend([])

    def conclude(
        self,
        hits: dict[str, dict[str, float]],
        active: dict[str, dict[str, Any]],
        facts: Any,
        v: dict[str, Any],
        at: int,
    ) -> list[tuple[Any, ...]]:
        fired: set[str] = set()
        while True:
            more = {id_ for id_ in hits if id_ not in fired and self.chained(active[id_], fired)}
            if not more:
                break
            fired |= more
        graded = {id_: self.grade(active[id_], hits[id_], fired, v) for id_ in fired}
        order = sorted(fired, key=lambda id_: (self.ranks[graded[id_]], id_))
        quiet = self.inhibited([id_ for id_ in order if active[id_]["state"] == "live"], active)
        out = []
        for id_ in order:
            model, grade = active[id_], graded[id_]
            group = self.group(model, facts)
            if self.cooling(id_, model, group, grade, at, False):
                continue
            if id_ in quiet and self.cooling(id_, model, group, grade, at, True):
                continue
            state = "shadow" if model["state"] == "shadow" else ("inhibited" if id_ in quiet else "told")
            length = model.get("cool_down", "1h")
            if length != "none":
                self.told[(id_, group, grade, state == "inhibited")] = at + ms(length)
            numbers = ",".join(f"{hits[id_].get(name, 0):g}" for name in model.get("over_time", {}))
            out.append((id_, grade, state, group, numbers))
        return out

    @staticmethod
    def chained(model: dict[str, Any], fired: set[str]) -> bool:
        needs = model.get("with_alerts", {})
        if not set(needs.get("all_of", [])) <= fired:
            return False
        return not needs.get("any_of") or bool(set(needs["any_of"]) & fired)

    def grade(self, model: dict[str, Any], measured: dict[str, float], fired: set[str], v: dict[str, Any]) -> str:
        grades = [model["then"]["grade"]]
        for rise in model["then"].get("rises", []):
            if "with_alert" in rise and rise["with_alert"] not in fired:
                continue
            if not holds(rise.get("when", {}), v):
                continue
            if all(
                holds_one(name, asked, {name: measured.get(name, 0)})
                for name, asked in rise.get("over_time", {}).items()
            ):
                grades.append(rise["to"])
        return min(grades, key=self.ranks.__getitem__)

    @staticmethod
    def inhibited(heavy_first: list[str], active: dict[str, dict[str, Any]]) -> set[str]:
        named = {other for id_ in heavy_first for other in active[id_].get("inhibits", [])}
        quiet: set[str] = set()
        speaking: set[str] = set()
        for id_ in heavy_first:
            family = active[id_].get("family")
            if id_ in named or (family and family in speaking):
                quiet.add(id_)
            elif family:
                speaking.add(family)
        return quiet

    @staticmethod
    def group(model: dict[str, Any], facts: Any) -> str:
        windows = list(model.get("over_time", {}).values())
        by = model.get("group_by", windows[0].get("by", []) if windows else ["caller"])
        return ",".join(f"{key}:{facts.values.get(key) or facts.event_id}" for key in by)

    def cooling(self, id_: str, model: dict[str, Any], group: str, grade: str, at: int, inhibited: bool) -> bool:
        any_grade = model.get("repeat") == "never"
        return any(
            until > at and (any_grade or self.ranks[other] <= self.ranks[grade])
            for (model_id, told_group, other, was_inhibited), until in self.told.items()
            if model_id == id_ and told_group == group and was_inhibited == inhibited
        )
