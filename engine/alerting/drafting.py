"""Alerting room: from a firing to an alert draft: its words, its reasons, its review."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.alerting import nodes
from engine.alerting.compiled import Compiled
from engine.alerting.facts import local
from engine.alerting.measures import Measured
from engine.alerting.values import AlertDraft, Facts
from engine.alerting.windows import MAX_CALLS
from engine.model.alert import AlertState
from engine.model.city import City
from engine.model.figures import figure


@dataclass(frozen=True, slots=True)
class Firing:
    """A model that fires, with the grade it fires at."""

    model: Compiled
    grade: str
    group: str
    measured: dict[str, Measured]
    risen_with: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether anybody is told. Models in shadow neither speak nor keep others quiet."""
        return self.model.state == "live"


def draft_of(firing: Firing, facts: Facts, silenced_by: str, city: City) -> AlertDraft:
    """The draft of one firing. `silenced_by`: a model or a silence that speaks against it, or empty."""
    model = firing.model
    shown = shown_values(firing, facts, city)
    review = _review(firing, facts)
    return AlertDraft(
        model=model.id,
        model_version=model.version,
        title=model.title,
        grade=firing.grade,
        state=_state(firing, review, silenced_by),
        group=firing.group,
        message=model.message.fill(shown),
        public_message=model.message.fill(shown, public=True),
        procedure=model.procedure,
        instruct=model.instruct,
        review=review,
        review_within=model.review_within if review == "person" else 0,
        reasons=tuple(_reasons(firing, facts)),
        call_ids=_call_ids(firing, facts),
        letter_to=model.letter_to,
        letter=model.letter.fill(shown, public=True) if model.letter else "",
        patrol=model.patrol.fill(shown, public=True) if model.patrol else "",
        silenced_by=silenced_by,
    )


def _state(firing: Firing, review: str, silenced_by: str) -> AlertState:
    if not firing.live:
        return AlertState.SHADOW
    if silenced_by:
        return AlertState.INHIBITED
    return AlertState.REVIEW if review == "person" else AlertState.INSTRUCTED


def _review(firing: Firing, facts: Facts) -> str:
    model = firing.model
    if model.review_by == "none":
        return "none"
    return next((stand.name for stand in model.stands if stand.when.test(facts.values)), "person")


def _reasons(firing: Firing, facts: Facts) -> Iterator[str]:
    model, values = firing.model, facts.values
    yield from nodes.reasons(model.early, values)
    if model.late is not None:
        yield from nodes.reasons(model.late, values)
    for window in model.windows:
        measured = firing.measured.get(window.name)
        if measured is not None:
            yield window.reason(measured.value, values)
    for other in (*model.all_of, *model.any_of):
        yield f"同时触发预警模型 {other}"
    if firing.grade != model.grade:
        yield f"分级由 {model.grade} 升为 {firing.grade}"


def _call_ids(firing: Firing, facts: Facts) -> tuple[str, ...]:
    """Calls of the windows and of the event itself, oldest first; order versions are not calls."""
    joined = [id_ for measured in firing.measured.values() for id_ in measured.event_ids if "@" not in id_]
    calls = dict.fromkeys((*joined, *facts.call_ids))
    for id_ in facts.call_ids:
        calls[id_] = calls.pop(id_)
    return tuple(calls)[-MAX_CALLS:]


def shown_values(firing: Firing, facts: Facts, city: City) -> dict[str, str]:
    """What the model's templates may fill in: Chinese names for ids, masked text, measured numbers."""
    names, values = firing.model.filled, facts.values
    shown = {name: nodes.said(value) for name in names if (value := values.get(name)) is not None}
    shown.update({name: figure(measured.value) for name, measured in firing.measured.items()})
    # A caller is shown by mask only; the hash stays inside.
    shown["caller"] = ""
    shown.update({name: value for name, value in facts.shown.items() if value})
    areas = {
        name: area.name
        for name in ("district", "township", "community")
        if (area := city.areas.get(values.get(name, ""))) is not None
    }
    shown.update(areas, area="".join(areas.values()))
    if "category_name" in names:
        category = city.taxonomy.categories.get(values.get("category", ""))
        shown["category_name"] = category.name if category else ""
    if "time" in names:
        moment = local(facts.at, city.tz)
        shown["time"] = f"{moment.month}月{moment.day}日{moment:%H:%M}"
    if "calls" in names and "calls" not in firing.measured:
        shown["calls"] = str(len(_call_ids(firing, facts)))
    return shown
