"""Alerting room: do the models hold together as a set: who listens to whom, and is anything in vain?"""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.alerting.conditions_schema import When
from engine.alerting.lengths import milliseconds
from engine.alerting.model_schema import ModelFile
from engine.alerting.relations import MAX_RULES, Relation, connected
from engine.alerting.shadowing import doubles, shadowed
from engine.alerting.vocabulary_checks import Path
from engine.strictyaml_words import nearest

MAX_PATTERNS_OF_MODEL = 10
MAX_PATTERNS = 500
KEPT = 90 * 86_400_000
"""How long the store keeps calls; a longer window sees less than it says."""

Complaint = tuple[str, Path, str, str]
"""(model id, path, what, right)."""


def references(file: ModelFile) -> Iterator[tuple[Path, str]]:
    """Every place where a model names another."""
    if file.with_alerts is not None:
        for key in ("all_of", "any_of"):
            for number, other in enumerate(getattr(file.with_alerts, key) or ()):
                yield ("with_alerts", key, number), other
    for number, rise in enumerate(file.then.rises):
        if rise.with_alert is not None:
            yield ("then", "rises", number, "with_alert"), rise.with_alert
    for number, other in enumerate(file.inhibits or ()):
        yield ("inhibits", number), other


def heard(file: ModelFile) -> frozenset[str]:
    """Models whose alerts it watches as events: every `model:` in its conditions."""
    return frozenset(_named(file.model_dump(exclude_none=True, include={"when", "over_time"})))


def _named(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        named = data.get("model")
        if isinstance(named, dict):
            yield from named.get("any_of") or ()
        data = list(data.values())
    if isinstance(data, list):
        for inner in data:
            yield from _named(inner)


def relation(id_: str, file: ModelFile) -> Relation:
    """What the model listens to."""
    with_ = file.with_alerts
    rises = tuple(rise.with_alert for rise in file.then.rises if rise.with_alert)
    return Relation(id_, tuple(with_.all_of or ()) if with_ else (), tuple(with_.any_of or ()) if with_ else (), rises)


def faults(files: Mapping[str, ModelFile]) -> Iterator[Complaint]:
    """References that lead nowhere, round in circles, or from live models to models nobody approved."""
    for id_, file in files.items():
        for path, other in references(file):
            yield from _reference(id_, file, path, other, files)
    yield from _circles(files)
    yield from _patterns(files)
    for group in connected([relation(id_, file) for id_, file in files.items()]):
        rules = sum(len(each.others) for each in group)
        if rules >= MAX_RULES:
            first = min(each.model for each in group if each.others)
            yield first, ("title",), f"{rules} ties among {len(group)} models", f"at most {MAX_RULES - 1}: split"


def _reference(
    id_: str, file: ModelFile, path: Path, other: str, files: Mapping[str, ModelFile]
) -> Iterator[Complaint]:
    target = files.get(other)
    if other == id_:
        yield id_, path, "a model cannot name itself", ""
    elif target is None:
        yield id_, path, f'there is no model "{other}"', nearest(other, files)
    elif target.event != file.event:
        yield id_, path, f'"{other}" watches another kind of event', f"event: {file.event}"
    elif path[0] != "inhibits" and file.state == "live" and target.state != "live":
        yield id_, path, f'"{other}" is not live', "a live model listens to live models only"


def _patterns(files: Mapping[str, ModelFile]) -> Iterator[Complaint]:
    """Each pattern may take a megabyte once it is used, so all of them together have a limit too."""
    counted = {id_: sum(1 for _ in _regexes(file.model_dump(exclude_none=True))) for id_, file in files.items()}
    for id_, number in counted.items():
        if number > MAX_PATTERNS_OF_MODEL:
            yield id_, ("title",), f"{number} patterns in one model", f"at most {MAX_PATTERNS_OF_MODEL}: use words"
    total = sum(counted.values())
    if total > MAX_PATTERNS:
        most = max(counted, key=lambda id_: counted[id_])
        yield most, ("title",), f"{total} patterns in all models together", f"at most {MAX_PATTERNS}: use words"


def _regexes(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from data.get("regex") or ()
        data = [inner for name, inner in data.items() if name != "regex"]
    if isinstance(data, list):
        for inner in data:
            yield from _regexes(inner)


def _circles(files: Mapping[str, ModelFile]) -> Iterator[Complaint]:
    """Chained models that wait for each other would never fire."""
    waits = {
        id_: [other for other in (*each.all_of, *each.any_of) if other in files]
        for id_, file in files.items()
        for each in [relation(id_, file)]
    }
    done: set[str] = set()
    for id_ in files:
        path = [id_]
        while path:
            model = path[-1]
            following = next((other for other in waits[model] if other not in done), None)
            if following is None:
                done.add(path.pop())
            elif following in path:
                yield model, ("with_alerts",), f'"{model}" and "{following}" wait for each other', "break the circle"
                return
            else:
                path.append(following)


def warnings(files: Mapping[str, ModelFile], ranks: Mapping[str, int]) -> Iterator[Complaint]:
    """What holds together but is probably not meant. `ranks`: of each grade, 1 the most serious."""
    yield from _shadowed(files, ranks)
    for id_, file in files.items():
        for other in sorted(heard(file) & files.keys()):
            if file.state == "live" and files[other].state != "live":
                what = f'"{other}" is not live: nobody is told of its alerts, so they do not count here'
                yield id_, ("when", "model"), what, "bring it into force first, or ask for `state: shadow`"
        if file.state in ("live", "shadow") and not file.tests:
            yield id_, ("state",), f"a {file.state} model without tests", "add `tests:`"
        for name, window in (file.over_time or {}).items():
            if milliseconds(window.within) > KEPT:
                yield id_, ("over_time", name, "within"), "longer than calls are kept (90d)", "it sees 90 days at most"
        for path, when in _whens(file):
            yield from ((id_, (*path, *more), what, right) for more, what, right in never(when))
        yield from _unset_extras(id_, file)


def _shadowed(files: Mapping[str, ModelFile], ranks: Mapping[str, int]) -> Iterator[Complaint]:
    for id_, other in doubles(files):
        yield id_, ("title",), f'it asks exactly what "{other}" asks', "keep one of them"
    for id_, other in shadowed(files, ranks):
        what = f'"{other}" fires whenever this fires and keeps it quiet: nobody will hear it'
        yield id_, ("when",), what, f'ask for what "{other}" does not cover, or retire it'


def _whens(file: ModelFile) -> Iterator[tuple[Path, When]]:
    if file.when is not None:
        yield ("when",), file.when
    for name, window in (file.over_time or {}).items():
        if (of := getattr(window, "of", None)) is not None:
            yield ("over_time", name, "of"), of


def never(when: When) -> Iterator[tuple[Path, str, str]]:
    """Conditions that exclude each other."""
    text, category = when.text, when.category
    if text is not None and text.none_of and text.any_of and set(text.any_of) <= set(text.none_of):
        yield ("text",), "every wanted word is also unwanted: this never holds", "take it out of none_of"
    if text is not None and text.none_of and set(text.all_of or ()) & set(text.none_of):
        yield ("text", "all_of"), "a word is both needed and unwanted: this never holds", "keep one of them"
    lists = (category.under, category.any_of) if category is not None else (None, None)
    if lists[0] and lists[1] and not any(_below(id_, top) for id_ in lists[1] for top in lists[0]):
        yield ("category",), "no category of any_of stands under `under`: this never holds", "keep one of them"
    if when.workday is True and when.holiday is True:
        yield ("holiday",), "no holiday is a working day: this never holds", "keep one of them"
    for kind in ("all", "any"):
        for number, inner in enumerate(getattr(when, kind) or ()):
            yield from (((kind, number, *more), what, right) for more, what, right in never(inner))


def _below(id_: str, top: str) -> bool:
    return id_ == top or id_.startswith(top + ".")


def _unset_extras(id_: str, file: ModelFile) -> Iterator[Complaint]:
    """`extra` fields that not even the model's own tests send."""
    sent = {name for test in file.tests for event in test.events for name in event.extra or {}}
    asked = file.when.extra if file.when is not None and file.when.extra else {}
    for name in asked:
        if file.tests and name not in sent:
            yield id_, ("when", "extra", name), f"nothing sets extra.{name}, not even a test", "send it in a test"
