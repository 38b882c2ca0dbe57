"""Alerting room: the tests beside the models: run, compared with what was expected, and how much they cover."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from engine.alerting.compiled import Compiled
from engine.alerting.compiling import TOLD
from engine.alerting.engine import Engine
from engine.alerting.example_events import ReadText, events, instant
from engine.alerting.examples_schema import Example, ExpectedAlert
from engine.alerting.models import ModelSet
from engine.alerting.nodes import Leaf, leaves
from engine.alerting.replay import Raised, Replay
from engine.alerting.set_checks import heard, references
from engine.alerting.values import Facts
from engine.model.alert import AlertState
from engine.model.city import City
from engine.model.decision import Links
from engine.model.values import replace


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test of one model: `difference` is empty when it passed."""

    model: str
    name: str
    difference: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether exactly the expected alerts were raised."""
        return not self.difference


@dataclass(slots=True)
class Coverage:
    """Which conditions of a model its tests saw hold, and fail."""

    model: str
    total: int = 0
    half: list[str] = field(default_factory=list)
    """Conditions seen only one way, in words."""

    @property
    def share(self) -> float:
        """0–1: conditions that were seen both ways."""
        return 1.0 if not self.total else 1 - len(self.half) / self.total


def run(
    models: ModelSet, city: City, read: ReadText | None = None, *, only: str = ""
) -> Iterator[tuple[list[Outcome], Coverage]]:
    """Every test of every model that is not retired (or of the one named by `only`), model by model."""
    for model in models.models:
        if model.id == only if only else model.state != "retired":
            yield _run_model(model, models, city, read)


def _run_model(model: Compiled, models: ModelSet, city: City, read: ReadText | None) -> tuple[list[Outcome], Coverage]:
    tests = models.files[model.id].tests
    seen: dict[int, set[bool]] = {}
    asked = list(_conditions(model))
    outcomes = []
    for test in tests:
        engine = Engine(_company(model.id, test, models), city)
        try:
            outcomes.append(_run_one(model, test, engine, city, read, asked, seen))
        finally:
            engine.close()
    return outcomes, _coverage(model, asked, seen)


def _company(model: str, test: Example, models: ModelSet) -> ModelSet:
    """The model with those it names; it and those whose alerts it watches run as if live."""
    wanted = {model, *test.with_models}
    grown: set[str] = set()
    while grown != wanted:
        grown = set(wanted)
        for id_ in grown & models.files.keys():
            wanted |= {other for _, other in references(models.files[id_])} | heard(models.files[id_])
    chosen = (each for each in models.models if each.id in wanted)
    own = {model} | heard(models.files[model])
    awake = tuple(replace(each, state="live") if each.id in own else each for each in chosen)
    return replace(models, models=awake)


def _run_one(
    model: Compiled,
    test: Example,
    engine: Engine,
    city: City,
    read: ReadText | None,
    asked: list[Leaf],
    seen: dict[int, set[bool]],
) -> Outcome:
    replay = Replay(engine)
    raised: list[tuple[int, Raised]] = []
    for number, (facts, links) in enumerate(events(test, city, read), 1):
        raised += [(number - 1, each) for each in replay.due(facts.at)]
        fed = replay.feed(facts, links)
        raised += [(number, each) for each in fed.raised]
        for event in (facts, *(each.told for each in fed.raised)):
            if event.moment is model.moment:
                _look(asked, event, links, seen)
    if test.until is not None:
        raised += [(0, each) for each in replay.due(instant(test.until, city))]
    own = [(number, each) for number, each in raised if each.draft.model == model.id]
    return Outcome(model.id, test.name, tuple(_differences(test.expect, own, city)))


def _differences(wanted: list[ExpectedAlert], own: list[tuple[int, Raised]], city: City) -> Iterator[str]:
    """What was raised and not expected, or expected and not raised, in the order of events."""
    for place, (expected, (number, raised)) in enumerate(zip(wanted, own, strict=False), 1):
        for what, want, got in _compare(expected, number, raised, city):
            yield f"alert {place}: expected {what} {want}, got {got}"
    for expected in wanted[len(own) :]:
        asked = expected.model_dump(exclude_none=True)
        yield f"expected one more alert {asked or ''}, got silence".replace("  ", " ")
    for number, raised in own[len(wanted) :]:
        after = f"after event {number}" if number else "at the end"
        yield f"expected silence, got {raised.draft.grade} {after}: {'；'.join(raised.draft.reasons)}"


def _compare(expected: ExpectedAlert, number: int, raised: Raised, city: City) -> Iterator[tuple[str, object, object]]:
    draft = raised.draft
    if expected.after is not None and expected.after != number:
        yield "after event", expected.after, number
    if expected.at is not None and instant(expected.at, city) != raised.at:
        yield "at", expected.at, datetime.fromtimestamp(raised.at / 1000, ZoneInfo(city.tz)).isoformat(" ")[:19]
    if expected.grade is not None and expected.grade != draft.grade:
        yield "grade", expected.grade, draft.grade
    inhibited = draft.state is AlertState.INHIBITED
    if inhibited != bool(expected.inhibited):
        yield "inhibited", str(bool(expected.inhibited)).lower(), str(inhibited).lower()
    if expected.says is not None and expected.says not in draft.message:
        yield "a message with", expected.says, draft.message


def _conditions(model: Compiled) -> Iterator[Leaf]:
    """Every condition its author wrote."""
    nodes = [model.early, *([model.late] if model.late is not None else [])]
    nodes += [node for window in model.windows for node in window.marks]
    nodes += [rise.when for rise in model.rises if rise.when is not None]
    nodes += [stand.when for stand in model.stands]
    return (leaf for node in nodes for leaf in leaves(node) if leaf is not TOLD)


def _look(asked: list[Leaf], facts: Facts, links: Links, seen: dict[int, set[bool]]) -> None:
    late = {
        "same_caller": links.same_caller,
        "same_place": links.same_place,
        "duplicate": bool(links.duplicate_of),
        "in_dossier": bool(links.dossier_id),
    }
    values = {**late, **facts.values}
    for number, leaf in enumerate(asked):
        seen.setdefault(number, set()).add(leaf.test(values))


def _coverage(model: Compiled, asked: list[Leaf], seen: dict[int, set[bool]]) -> Coverage:
    covered = Coverage(model.id, len(asked))
    for number, leaf in enumerate(asked):
        ways = seen.get(number, set())
        if ways != {True, False}:
            missing = "never asked" if not ways else "never fails" if True in ways else "never holds"
            covered.half.append(f"{'.'.join(map(str, leaf.path))}: {missing}")
    return covered
