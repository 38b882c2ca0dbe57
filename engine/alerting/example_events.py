"""Alerting room: the events of a test beside a model, as facts."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.alerting.examples_schema import Example, ExampleEvent
from engine.alerting.facts import NOTHING_READ, clock
from engine.alerting.fields import Moment
from engine.alerting.lengths import milliseconds
from engine.alerting.values import Facts
from engine.alerting.wording import normalise
from engine.model.city import City
from engine.model.decision import Links
from engine.model.reading import Reading

ReadText = Callable[..., Reading]
"""`read(text, channel=…, location=…)` of the classifiers."""

_LINKED = ("same_caller", "same_place", "duplicate", "in_dossier")
_BESIDE = frozenset({"at", "event", "times", "every", "extra", "text", *_LINKED})


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


_NOTHING_READ: dict[str, Any] = {"matter": "police", **NOTHING_READ}


def _read_values(shape: ExampleEvent, read: ReadText | None) -> dict[str, Any]:
    """What the classifier reads, when there is one and the test names no category."""
    if read is None or shape.category is not None or not shape.text:
        return _NOTHING_READ
    reading = read(shape.text, channel=shape.channel or "110", location=None)
    signs = {name: getattr(reading.signs, name) for name in reading.signs.__struct_fields__}
    return {
        **_NOTHING_READ,
        **signs,
        "category": reading.category,
        "matter": str(reading.matter),
        "danger": reading.danger,
        "review": reading.review,
        "confidence": reading.confidence,
    }
