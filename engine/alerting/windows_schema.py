"""Alerting room: the shape of the windows of a model file."""

import difflib
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine.alerting.conditions_schema import Id, Length, Number, Shape, Short, When, as_list

MEASURES = ("count", "distinct", "sum", "sequence", "n_of", "rate", "near_duplicate", "absence")


Names = Annotated[list[Id], Field(max_length=3), BeforeValidator(as_list), Short({"type": "string"})]


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
