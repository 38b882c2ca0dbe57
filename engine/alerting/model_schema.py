"""Alerting room: the shape of one model file (`rules/alerts/<id>.yaml`)."""

from typing import Annotated, Literal

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
from engine.alerting.windows_schema import Name, Names, Windows
from engine.model.alert import MODEL_ID


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

    id: Annotated[str, Field(pattern=f"^{MODEL_ID}$")] | None = None
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
    group_by: Names | None = None
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
