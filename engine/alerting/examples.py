"""Alerting room: the tests beside the models: run, compared with what was expected, and how much they cover."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.alerting.compiled import Compiled
from engine.alerting.engine import Engine
from engine.alerting.examples_schema import Example, ExampleEvent, ExpectedAlert
from engine.alerting.facts import clock
from engine.alerting.fields import Moment
from engine.alerting.lengths import milliseconds
from engine.alerting.models import ModelSet
from engine.alerting.nodes import Leaf, leaves
from engine.alerting.replay import Raised, Replay
from engine.alerting.set_checks import references
from engine.alerting.values import Facts
from engine.alerting.wording import normalise
from engine.model.alert import AlertState
from engine.model.city import City
from engine.model.decision import Links
from engine.model.reading import Reading

ReadText = Callable[..., Reading]
"""`read(text, channel=…, location=…)` of the classifiers."""

_LINKED = ("same_caller", "same_place", "duplicate", "in_dossier")
_BESIDE = frozenset({"at", "event", "times", "every", "extra", "text", *_LINKED})


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


def run(models: ModelSet, city: City, read: ReadText | None = None) -> Iterator[tuple[list[Outcome], Coverage]]:
    """Every test of every model that is not retired, model by model."""
    for model in models.models:
        if model.state != "retired":
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
    """The model with those it names; drafts run too when they are tested, as if live."""
    wanted = {model, *test.with_models}
    grown: set[str] = set()
    while grown != wanted:
        grown = set(wanted)
        wanted |= {other for id_ in grown if id_ in models.files for _, other in references(models.files[id_])}
    chosen = (each for each in models.models if each.id in wanted)
    awake = tuple(replace(each, state="live") if each.id == model else each for each in chosen)
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
        _look(asked, facts, links, seen)
    if test.until is not None:
        raised += [(0, each) for each in replay.due(instant(test.until, city))]
    own = [(number, each) for number, each in raised if each.draft.model == model.id]
    return Outcome(model.id, test.name, tuple(_differences(test.expect, own, city)))


def instant(text: str, city: City) -> int:
    """Local time as written in a test → milliseconds. A day that does not exist is a ValueError."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(city.tz)).timestamp() * 1000)


def events(test: Example, city: City, read: ReadText | None = None) -> Iterator[tuple[Facts, Links]]:
    """The events of a test as facts, repeated ones written out, each with its links."""
    number = 0
    for shape in test.events:
        for again in range(shape.times):
            number += 1
            at = instant(shape.at, city) + again * milliseconds(shape.every)
            yield facts_of(shape, f"t{number}", at, city, read), _links(shape)


def _links(shape: ExampleEvent) -> Links:
    return Links(
        same_caller=shape.same_caller or 0,
        same_place=shape.same_place or 0,
        duplicate_of="t0" if shape.duplicate else "",
        dossier_id="d0" if shape.in_dossier else "",
    )


def facts_of(shape: ExampleEvent, id_: str, at: int, city: City, read: ReadText | None) -> Facts:
    """One example event as facts: what is written counts; what is not may come from the classifier."""
    moment = Moment(shape.event)
    values = dict(_read_values(shape, read)) if moment is Moment.CALL else {}
    given: Mapping[str, Any] = {
        name: value
        for name in ExampleEvent.model_fields
        if name not in _BESIDE and (value := getattr(shape, name)) is not None
    }
    values.update({name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
    if moment is Moment.CALL:
        values["text"] = normalise(shape.text or "")
    else:
        values.update({name: value for name in _LINKED if (value := getattr(shape, name)) is not None})
    values.update((f"extra.{name}", value) for name, value in (shape.extra or {}).items())
    spot = shape.post_id or shape.place or shape.address
    if spot and moment is Moment.CALL:
        values["spot"] = spot
    values.update(clock(at, city.calendar))
    shown = {"text": shape.text or "", "caller": shape.caller or "", "address": shape.address or ""}
    return Facts(id_, (id_,), at, moment, values, shown)


_NOTHING_READ: dict[str, Any] = {
    "matter": "police",
    "danger": False,
    "review": False,
    "confidence": 1.0,
    "amount": 0.0,
    "people": 0,
    "weapons": (),
    "injury": False,
    "violence": False,
    "threat": False,
    "children": False,
    "elderly": False,
    "past": False,
    "channel": "110",
}


def _read_values(shape: ExampleEvent, read: ReadText | None) -> dict[str, Any]:
    """What the classifier reads, when there is one and the test names no category."""
    if read is None or shape.category is not None or not shape.text:
        return _NOTHING_READ
    reading = read(shape.text, channel=shape.channel or "110", location=None)
    signs = {name: getattr(reading.signs, name) for name in reading.signs.__dataclass_fields__}
    return {
        **_NOTHING_READ,
        **signs,
        "category": reading.category,
        "matter": str(reading.matter),
        "danger": reading.danger,
        "review": reading.review,
        "confidence": reading.confidence,
    }


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
    yield from leaves(model.early)
    if model.late is not None:
        yield from leaves(model.late)
    for window in model.windows:
        for node in window.marks:
            yield from leaves(node)
    for rise in model.rises:
        if rise.when is not None:
            yield from leaves(rise.when)
    for stand in model.stands:
        yield from leaves(stand.when)


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
