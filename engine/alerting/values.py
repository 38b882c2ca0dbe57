"""Alerting room: the values it answers with. All are frozen; timers can be written as JSON."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.alerting.fields import Moment
from engine.model.alert import AlertState, WindowQuery

if TYPE_CHECKING:
    from engine.alerting.compiled import Compiled

Values = Mapping[str, Any]
"""Field name → value; a field that is not known is absent."""


class Facts(Struct, frozen=True):
    """What is known about one event: a call, a change of an order, or an alert."""

    event_id: str
    """Call id, `<order_id>@<version>` or alert id: the member written into windows."""
    call_ids: tuple[str, ...]
    at: int
    moment: Moment
    values: dict[str, Any]
    shown: dict[str, str] = field(default_factory=dict)
    """What messages may show in Chinese: names instead of ids, masks instead of numbers."""


class Asked(Struct, frozen=True):
    """One window question of one model, beside the query that goes to the store."""

    model: str
    window: str
    query: WindowQuery


class Plan(Struct, frozen=True):
    """Phase one: what the store has to answer before anything can fire."""

    facts: Facts
    hits: tuple["Compiled", ...]
    """Models whose early conditions hold; only they can fire."""
    queries: tuple[WindowQuery, ...]
    cooldown_keys: tuple[str, ...]
    woken: str = ""
    """`<window name>` when this plan comes from a timer: its silence is what is left to check."""
    due_at: int = 0
    """When it is woken: the instant at which the silence is noticed."""

    @property
    def at(self) -> int:
        """The instant that counts for cool-downs: of the event, or of the silence."""
        return self.due_at or self.facts.at

    @property
    def idle(self) -> bool:
        """Nothing to ask and nothing that can fire."""
        return not self.hits and not self.queries


class AlertDraft(Struct, frozen=True):
    """One firing, ready to become an Alert: whom to tell, how urgently, and why."""

    model: str
    model_version: str
    title: str
    grade: str
    state: AlertState
    """REVIEW or INSTRUCTED for live ones (by `review`), SHADOW, or INHIBITED."""
    group: str
    message: str
    public_message: str
    """The same without caller, address and words of the call, for people who only read figures."""
    procedure: str
    instruct: str
    """`station | branch | township | command`, or a body id."""
    review: str
    """`person`, `none`, or the name of the condition that stood in for a person."""
    review_within: int
    """Seconds a person has for the review; 0 when none is needed."""
    reasons: tuple[str, ...]
    call_ids: tuple[str, ...]
    letter_to: str = ""
    """Body id or role that gets an advisory letter 公安提示函; empty = none."""
    letter: str = ""
    patrol: str = ""
    """Patrol suggestion in Chinese; empty = none."""
    silenced_by: str = ""
    """Why it is INHIBITED: the higher model's id, or `silence:<author>`."""


class Timer(Struct, frozen=True):
    """A silence to be checked at `due_at`: ask `engine.wake(timer)`, then the store, then `engine.fire`."""

    key: str
    due_at: int
    model: str
    model_version: str
    window: str
    query: WindowQuery
    """Read-only (empty member): anything answered inside it means the silence was broken."""
    facts: Facts


class CooldownMark(Struct, frozen=True):
    """A model keeps quiet for a group, at this grade and below, until `until`."""

    key: str
    until: int
    model: str


class Fired(Struct, frozen=True):
    """Phase two: what came of it."""

    drafts: tuple[AlertDraft, ...] = ()
    cooldowns: tuple[CooldownMark, ...] = ()
    timers: tuple[Timer, ...] = ()
