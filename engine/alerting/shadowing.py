"""Alerting room: a model that never speaks because, whenever it fires, a louder one fires as well.

Sound, not complete: what it names is shadowed; two ways of writing the same thing may escape it.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from engine.alerting.model_schema import ModelFile

_MORE = frozenset({"at_least", "more_than"})
_LESS = frozenset({"at_most", "less_than"})
_FEWER = frozenset({"count", "distinct", "n_of", "near_duplicate"})
"""Measures that can only fall when fewer events are counted; of the others nothing is concluded."""
_ASKED = {"event", "schedule", "when", "over_time", "with_alerts"}


def doubles(files: Mapping[str, ModelFile]) -> Iterator[tuple[str, str]]:
    """(model, an earlier one that asks exactly the same)."""
    first: dict[str, str] = {}
    for id_, file in _awake(files).items():
        question = file.model_dump_json(include=_ASKED, exclude_none=True)
        if question in first:
            yield id_, first[question]
        first.setdefault(question, id_)


def shadowed(files: Mapping[str, ModelFile], ranks: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """(model, one that fires whenever it fires and keeps it quiet). `ranks`: of each grade, 1 the most serious."""
    awake = _awake(files)
    for id_, file in awake.items():
        louder = (o for o, loud in awake.items() if o != id_ and _quiets(loud, id_, file, ranks) and covers(loud, file))
        yield from ((id_, other) for other in islice(louder, 1))


def _awake(files: Mapping[str, ModelFile]) -> dict[str, ModelFile]:
    return {id_: file for id_, file in files.items() if file.state in ("live", "shadow")}


def _quiets(loud: ModelFile, id_: str, file: ModelFile, ranks: Mapping[str, int]) -> bool:
    """Whether the other speaks for this one whenever both fire; a model in shadow keeps no live one quiet."""
    if loud.state != "live" and file.state == "live":
        return False
    if id_ in (loud.inhibits or ()):
        return True
    if file.family is None or file.family != loud.family:
        return False
    highest = min(ranks.get(grade, 0) for grade in (file.then.grade, *(rise.to for rise in file.then.rises)))
    return ranks.get(loud.then.grade, 0) < highest


def covers(outer: ModelFile, inner: ModelFile) -> bool:
    """Whether every event on which `inner` fires makes `outer` fire."""
    wide, slim = (file.model_dump(include=_ASKED, exclude_none=True) for file in (outer, inner))
    counts = all(window["measure"] in _FEWER for window in wide.get("over_time", {}).values())
    return (counts or wide.get("when") == slim.get("when")) and narrower(slim, wide)


def narrower(inner: Any, outer: Any, name: str = "") -> bool:
    """Whether everything that meets `inner` meets `outer`: conditions as they stand in a file, without nulls."""
    if name in _MORE | _LESS and isinstance(inner, int | float) and isinstance(outer, int | float):
        return inner >= outer if name in _MORE else inner <= outer
    if isinstance(inner, dict) and isinstance(outer, dict):
        return _narrower_part(inner, outer)
    if isinstance(inner, list) and isinstance(outer, list) and all(isinstance(each, str) for each in (*inner, *outer)):
        return set(inner) >= set(outer) if name in ("all_of", "none_of") else set(inner) <= set(outer)
    return bool(inner == outer)


def _narrower_part(inner: dict[str, Any], outer: dict[str, Any]) -> bool:
    if outer.get("measure", "count") not in _FEWER:
        return bool(inner == outer)
    if "under" in outer and _below(inner, outer["under"]):
        outer = {key: value for key, value in outer.items() if key != "under"}
    return all(key in inner and narrower(inner[key], value, key) for key, value in outer.items())


def _below(inner: dict[str, Any], tops: list[str]) -> bool:
    """Whether all categories asked for lie in these subtrees."""
    asked = [*(inner.get("any_of") or ()), *(inner.get("under") or ())]
    return bool(asked) and all(any(each == top or each.startswith(f"{top}.") for top in tops) for each in asked)
