"""Alerting room: the shape of one model file (`rules/alerts/<id>.yaml`)."""

import difflib
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine.alerting.conditions_schema import (
    AmountOr,
    Id,
    IdOrIds,
    Ids,
    Length,
    Number,
    Shape,
    Short,
    When,
    Word,
    as_list,
)
from engine.alerting.examples_schema import Example

MEASURES = ("count", "distinct", "sum", "sequence", "n_of", "rate", "near_duplicate", "absence")


_Names = Annotated[list[Id], Field(max_length=3), BeforeValidator(as_list), Short({"type": "string"})]


class _Window(Shape):
    by: Annotated[
        list[Id], Field(max_length=3, default_factory=list), BeforeValidator(as_list), Short({"type": "string"})
    ]
    """Fields whose values must agree, such as caller or [township, category]; empty = the whole city."""
    within: Length
    """Length of the window in event time: 30m, 24h, 7d."""


class _Filtered(_Window):
    of: When | None = None
    """Which events are counted; without it, those that fit the model's own `when`."""


class Count(_Filtered):
    """How many events."""

    measure: Literal["count"]
    at_least: Annotated[int, Field(ge=1, le=500)]


class Distinct(_Filtered):
    """How many different values of a field."""

    measure: Literal["distinct"]
    field: Id
    at_least: Annotated[int, Field(ge=1, le=500)]


class Sum(_Filtered):
    """Total of a number."""

    measure: Literal["sum"]
    field: Id
    at_least: Number


class Step(Shape):
    """One step of a sequence."""

    of: When
    gap: Length | None = None
    """Longest time since the step before."""


class Sequence(_Window):
    """Steps in this order, each later than the one before."""

    measure: Literal["sequence"]
    steps: Annotated[list[Step], Field(min_length=2, max_length=6)]


class NOf(_Window):
    """So many of several different signs, each by any number of events."""

    measure: Literal["n_of"]
    signs: Annotated[list[When], Field(min_length=2, max_length=10)]
    at_least: Annotated[int, Field(ge=1, le=10)]


class Rate(_Filtered):
    """More than usual: against the same span of the day on the days before."""

    measure: Literal["rate"]
    times: Annotated[Number, Field(gt=1, le=100)]
    """So many times the usual level."""
    days: Annotated[int, Field(ge=3, le=28)] = 7
    """How many days back make the usual level."""
    at_least: Annotated[int, Field(ge=2, le=100_000)]
    """Below this number nothing is a surge."""


class NearDuplicate(_Filtered):
    """Texts that say nearly the same."""

    measure: Literal["near_duplicate"]
    likeness: Annotated[Number, Field(ge=0.3, le=1)] = 0.6
    at_least: Annotated[int, Field(ge=2, le=100)]


class Absence(_Window):
    """Nothing of the kind happens within the time after the event."""

    measure: Literal["absence"]
    of: When
    """What should have happened."""


def _measure_first(value: Any) -> Any:
    """Names the nearest measure before the alternatives are tried."""
    measure = value.get("measure") if isinstance(value, dict) else None
    if not isinstance(value, dict) or measure in MEASURES:
        return value
    close = difflib.get_close_matches(str(measure)[:40], MEASURES, n=1)
    said = "`measure` is missing" if measure is None else f'"{str(measure)[:40]}" is no measure'
    raise ValueError(f"{said} — " + (f'did you mean "{close[0]}"?' if close else f"known: {', '.join(MEASURES)}"))


AnyWindow = Annotated[
    Annotated[Count | Distinct | Sum | Sequence | NOf | Rate | NearDuplicate | Absence, Field(discriminator="measure")],
    BeforeValidator(_measure_first),
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Windows = Annotated[dict[Name, AnyWindow], Field(min_length=1, max_length=5)]


class WithAlerts(Shape):
    """Other models that must fire on the same event."""

    all_of: IdOrIds | None = None
    any_of: IdOrIds | None = None


class Rise(Shape):
    """A reason for a more serious grade. All that stands here must hold."""

    to: Id
    when: When | None = None
    over_time: dict[Name, AmountOr] | None = None
    """Bounds on the measured value of a window of this model."""
    with_alert: Id | None = None
    """Another model that fires on the same event."""


class Stand(Shape):
    """A condition that stands in for a person's second review."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    when: When


class Review(Shape):
    """Second review 二次研判."""

    by: Literal["person", "none"] = "person"
    within: Length = "5m"
    unless: Annotated[list[Stand], Field(min_length=1, max_length=5)] | None = None
    """If one of these holds, nobody needs to look first."""


class Letter(Shape):
    """Advisory letter 公安提示函."""

    to: Id
    text: Annotated[str, Field(min_length=1, max_length=1000)]


class Then(Shape):
    """What is done when the model fires."""

    grade: Id
    rises: Annotated[list[Rise], Field(max_length=6, default_factory=list)]
    message: Annotated[str, Field(min_length=1, max_length=500)]
    """Template: {text}, {area}, {caller}, {repeat} … are filled in, masked."""
    procedure: Id
    instruct: Id
    """station, branch, township, command, or a body's id."""
    review: Annotated[
        Review, BeforeValidator(lambda v: {"by": v} if isinstance(v, str) else v), Short({"enum": ["person", "none"]})
    ] = Review()
    letter: Letter | None = None
    patrol: Annotated[str, Field(min_length=1, max_length=300)] | None = None


class Schedule(Shape):
    """When the model is awake, in local time."""

    from_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    to_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    """The last day."""
    hours: Annotated[dict[Literal["from", "to"], int], Field(min_length=2)] | None = None
    days: (
        Annotated[
            list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday", "holiday"]],
            Field(min_length=1, max_length=9),
        ]
        | None
    ) = None


class Expected(Shape):
    """How often it should fire; `backtest` holds it against the archive."""

    at_least: Annotated[Number, Field(ge=0)] | None = None
    at_most: Annotated[Number, Field(ge=0)] | None = None
    per: Literal["day", "week", "run"] = "day"


class ModelFile(Shape):
    """One alert model 预警模型."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")] | None = None
    """Without it, the file's name."""
    title: Annotated[str, Field(min_length=2, max_length=40)]
    about: Annotated[str, Field(max_length=500)] = ""
    state: Literal["draft", "shadow", "live", "retired"]
    version: Annotated[int, Field(ge=1, le=100_000)]
    author: Word
    approver: Word | None = None
    """A second person; needed before a model is live."""
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    """Why this version exists."""
    family: Word | None = None
    """Within a family the most serious alert speaks, the others are inhibited."""
    event: Literal["call", "order", "alert"] = "call"
    schedule: Schedule | None = None
    when: When | None = None
    over_time: Windows | None = None
    with_alerts: WithAlerts | None = None
    inhibits: Ids | None = None
    """Models that keep quiet when this one speaks."""
    group_by: _Names | None = None
    """One instruction per group; without it, the `by` of the first window, else the caller."""
    cool_down: Length | Literal["none"] = "1h"
    repeat: Literal["on_rise", "never"] = "on_rise"
    """on_rise: a more serious grade breaks through the cool-down."""
    then: Then
    expected: Expected | None = None
    tests: Annotated[list[Example], Field(max_length=50, default_factory=list)]


class Silence(Shape):
    """Models that tell nobody for a while."""

    models: Annotated[Ids, BeforeValidator(as_list)]
    when: When | None = None
    """Only for such events; without it, for all."""
    from_: Annotated[str, Field(alias="from", pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$")]
    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$")]
    author: Word
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class SilenceFile(Shape):
    """`silences.yaml` beside the models."""

    silences: Annotated[list[Silence], Field(max_length=100)]
