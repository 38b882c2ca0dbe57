"""Alerting room: the shape of the tests that stand beside a model in its own file."""

from typing import Annotated, Literal

from pydantic import Field

from engine.alerting.conditions_schema import Id, Number, Shape, Word

_Short = Annotated[str, Field(max_length=120)]


class ExampleEvent(Shape):
    """One call (or order or alert event) of a test. Times are local: `2026-03-02 21:15`."""

    at: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?$")]
    event: Literal["call", "order", "alert"] = "call"
    text: Annotated[str, Field(max_length=600)] | None = None
    category: Id | None = None
    matter: Literal["police", "government", "local"] | None = None
    danger: bool | None = None
    review: bool | None = None
    confidence: Number | None = None
    amount: Number | None = None
    people: Annotated[int, Field(ge=0)] | None = None
    weapons: Annotated[list[Word], Field(max_length=20)] | None = None
    injury: bool | None = None
    violence: bool | None = None
    threat: bool | None = None
    children: bool | None = None
    elderly: bool | None = None
    past: bool | None = None
    channel: Literal["110", "12345", "web", "app", "alarm_post", "other"] | None = None
    caller: _Short | None = None
    """Any made-up name; the same name is the same caller."""
    caller_kind: _Short | None = None
    post_id: _Short | None = None
    district: Id | None = None
    township: Id | None = None
    community: Id | None = None
    place: Id | None = None
    place_class: Id | None = None
    address: _Short | None = None
    same_caller: Annotated[int, Field(ge=0)] | None = None
    same_place: Annotated[int, Field(ge=0)] | None = None
    duplicate: bool | None = None
    in_dossier: bool | None = None
    handoff: Id | None = None
    body: Id | None = None
    grade: Id | None = None
    procedure: Id | None = None
    state: Id | None = None
    step: Id | None = None
    overdue: bool | None = None
    overdue_count: Annotated[int, Field(ge=0)] | None = None
    rung: Annotated[int, Field(ge=0)] | None = None
    returns: Annotated[int, Field(ge=0)] | None = None
    rejects: Annotated[int, Field(ge=0)] | None = None
    from_alert: bool | None = None
    order: _Short | None = None
    dossier: _Short | None = None
    model: _Short | None = None
    group: _Short | None = None
    extra: dict[Id, str | int | float | bool] | None = None
    times: Annotated[int, Field(ge=1, le=200)] = 1
    """The same event so many times …"""
    every: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}[smhd]$")] = "1m"
    """… this long apart."""


class ExpectedAlert(Shape):
    """One alert the model must raise."""

    after: Annotated[int, Field(ge=1)] | None = None
    """Number of the event that raises it, counted from 1; without it, any."""
    at: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?$")] | None = None
    """Local time at which a silence is noticed (models with `absence`)."""
    grade: Id | None = None
    inhibited: bool | None = None
    says: _Short | None = None
    """Words its message contains."""


class Example(Shape):
    """One test: what comes in, what must (and what must not) be raised."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    events: Annotated[list[ExampleEvent], Field(min_length=1, max_length=60)]
    expect: Annotated[list[ExpectedAlert], Field(max_length=40)]
    """Exactly these alerts of this model, in this order; `[]` = it stays silent."""
    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?$")] | None = None
    """The clock runs on to here after the last event, so that silences fall due."""
    with_models: Annotated[list[Id], Field(max_length=40, default_factory=list)]
    """Other models that run along (those it uses or inhibits run along by themselves)."""
