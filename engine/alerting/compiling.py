"""Alerting room: from a checked model file to a compiled model."""

from collections.abc import Mapping
from hashlib import blake2b

from engine.alerting.compiled import Compiled, Rising, Standing
from engine.alerting.conditions import Vocabulary, compile_when
from engine.alerting.conditions_schema import Hours, When
from engine.alerting.fields import Moment, is_late
from engine.alerting.lengths import milliseconds
from engine.alerting.model_checks import filters
from engine.alerting.model_schema import ModelFile, Schedule, Then
from engine.alerting.nodes import Leaf, Node, branch, conjuncts, leaves
from engine.alerting.template import parse
from engine.alerting.windows import Window
from engine.alerting.windows_schema import AnyWindow
from engine.model.alert import AlertState
from engine.model.city import Grade

_DEFAULT_GROUP = {Moment.CALL: ("caller",), Moment.ORDER: ("order",), Moment.ALERT: ("group",)}


def compile_model(
    id_: str, file: ModelFile, version: str, order: int, vocabulary: Vocabulary, grades: Mapping[str, Grade]
) -> Compiled:
    """The model in the form in which it is asked. The file has passed every check."""
    moment = Moment(file.event)
    early, late = _halves(file, vocabulary, moment)
    windows = tuple(_window(id_, name, window, file, vocabulary) for name, window in (file.over_time or {}).items())
    then, with_ = file.then, file.with_alerts
    return Compiled(
        id=id_,
        title=file.title,
        state=file.state,
        version=version,
        order=order,
        moment=moment,
        early=early,
        late=late,
        windows=windows,
        all_of=tuple(with_.all_of or ()) if with_ else (),
        any_of=tuple(with_.any_of or ()) if with_ else (),
        inhibits=tuple(file.inhibits or ()),
        family=file.family or "",
        group_by=_group_by(file, windows, moment),
        cool_down=0 if file.cool_down == "none" else milliseconds(file.cool_down),
        repeat_on_rise=file.repeat == "on_rise",
        grade=then.grade,
        grades=tuple(sorted({then.grade, *(rise.to for rise in then.rises)}, key=lambda grade: grades[grade].rank)),
        rises=tuple(_rising(file, number, vocabulary) for number in range(len(then.rises))),
        ranks={grade.id: grade.rank for grade in grades.values()},
        message=parse(then.message),
        filled=_filled(then),
        procedure=then.procedure,
        instruct=then.instruct,
        review_by=then.review.by,
        review_within=milliseconds(then.review.within) // 1000,
        stands=tuple(
            Standing(stand.name, compile_when(stand.when, vocabulary, ("then", "review", "unless", number, "when")))
            for number, stand in enumerate(then.review.unless or ())
        ),
        letter_to=then.letter.to if then.letter else "",
        letter=parse(then.letter.text) if then.letter else None,
        patrol=parse(then.patrol) if then.patrol else None,
    )


def _filled(then: Then) -> frozenset[str]:
    texts = (then.message, then.letter.text if then.letter else "", then.patrol or "")
    return frozenset(name for text in texts for name in parse(text).parts[1::2])


def _group_by(file: ModelFile, windows: tuple[Window, ...], moment: Moment) -> tuple[str, ...]:
    if file.group_by is not None:
        return tuple(file.group_by)
    return windows[0].by if windows else _DEFAULT_GROUP[moment]


def _halves(file: ModelFile, vocabulary: Vocabulary, moment: Moment) -> tuple[Node, Node | None]:
    """What can be asked before the store, and what must wait for its answer."""
    whole = _told(compile_when(file.when or When(), vocabulary, ("when",)), moment)
    parts = [*(_schedule(file.schedule) if file.schedule else ()), *conjuncts(whole)]
    waits = [part for part in parts if any(is_late(leaf.field, moment) for leaf in leaves(part))]
    early = [part for part in parts if part not in waits]
    return branch("all", tuple(early), ("when",)), branch("all", tuple(waits), ("when",)) if waits else None


def _told(node: Node, moment: Moment) -> Node:
    """Of alerts, those somebody was told of count; shadow and inhibited ones only where `state` asks for them."""
    if moment is not Moment.ALERT or any(leaf.field == "state" for leaf in leaves(node)):
        return node
    return branch("all", (*conjuncts(node), TOLD), ("when",))


_QUIET = frozenset({AlertState.SHADOW.value, AlertState.INHIBITED.value})
TOLD = Leaf("state", "已告知", lambda values: values.get("state") not in _QUIET, ("event",))
"""Stands in every condition on alerts that does not ask for a state itself."""


def _schedule(shape: Schedule) -> list[Node]:
    parts: list[Node] = []
    path = ("schedule",)
    if shape.hours is not None:
        hours = When(hour=Hours.model_validate(shape.hours))
        parts.append(compile_when(hours, Vocabulary.empty(), path))
    first, last = shape.from_date or "", shape.to_date or "9999"
    if shape.from_date or shape.to_date:
        asks = f"在{first or '起始'}至{shape.to_date or '长期'}之间"
        parts.append(Leaf("date", asks, lambda values: first <= values.get("date", "") <= last, path))
    if shape.days is not None:
        wanted = frozenset(shape.days)
        parts.append(
            Leaf(
                "weekday",
                "在" + "、".join(shape.days),
                lambda values: (
                    values.get("weekday") in wanted
                    or ("workday" in wanted and values.get("workday") is True)
                    or ("holiday" in wanted and values.get("holiday") is True)
                ),
                path,
            )
        )
    return parts


def _window(id_: str, name: str, shape: AnyWindow, file: ModelFile, vocabulary: Vocabulary) -> Window:
    given = shape.model_dump()
    return Window(
        model=id_,
        name=name,
        measure=shape.measure,
        by=tuple(shape.by),
        length=milliseconds(shape.within),
        least=float(given.get("at_least", 1)),
        marks=tuple(
            _told(compile_when(when, vocabulary, ("over_time", name, *path)), Moment(file.event))
            for path, when in filters(shape)
        ),
        stamp=_stamp(shape, file),
        field=given.get("field", ""),
        gaps=tuple(milliseconds(step["gap"]) if step["gap"] else 0 for step in given.get("steps", ())),
        likeness=given.get("likeness", 0.0),
        days=given.get("days", 0),
        times=given.get("times", 0.0),
    )


def _stamp(shape: AnyWindow, file: ModelFile) -> str:
    """What the window remembers depends on itself and, without a filter of its own, on the model's `when`."""
    text = shape.model_dump_json(exclude={"at_least", "times", "likeness"}, exclude_none=True)
    if not any(True for _ in filters(shape)):
        text += file.model_dump_json(include={"when", "schedule"}, exclude_none=True)
    return blake2b(text.encode(), digest_size=3).hexdigest()


def _rising(file: ModelFile, number: int, vocabulary: Vocabulary) -> Rising:
    rise = file.then.rises[number]
    path = ("then", "rises", number, "when")
    return Rising(
        to=rise.to,
        when=compile_when(rise.when, vocabulary, path) if rise.when is not None else None,
        windows=tuple((rise.over_time or {}).items()),
        with_alert=rise.with_alert or "",
    )
