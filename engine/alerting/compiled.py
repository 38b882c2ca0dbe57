"""Alerting room: a model compiled from its file, ready to be asked."""

from dataclasses import dataclass
from typing import Literal

from engine.alerting.conditions import within
from engine.alerting.conditions_schema import Amount
from engine.alerting.fields import Moment
from engine.alerting.nodes import Node
from engine.alerting.template import Template
from engine.alerting.values import Values
from engine.alerting.windows import Window

State = Literal["draft", "shadow", "live", "retired"]


@dataclass(frozen=True, slots=True)
class Rising:
    """A reason for a more serious grade, compiled."""

    to: str
    when: Node | None
    windows: tuple[tuple[str, Amount], ...]
    with_alert: str

    def holds(self, values: Values, measured: dict[str, float]) -> bool:
        """Whether everything but the other alert holds."""
        if self.when is not None and not self.when.test(values):
            return False
        return all(within(bounds, measured.get(name, 0.0)) for name, bounds in self.windows)


@dataclass(frozen=True, slots=True)
class Standing:
    """A named condition that stands in for a person's review."""

    name: str
    when: Node


@dataclass(frozen=True, slots=True)
class Compiled:
    """One model. What it fires on, and what then happens."""

    id: str
    title: str
    state: State
    version: str
    """`<number>-<hash of the file>`: every alert names it."""
    order: int
    """Place among all models; the lower one speaks first when grades are equal."""
    moment: Moment
    early: Node
    """Conditions that need no store; calls that fail them ask for nothing."""
    late: Node | None
    windows: tuple[Window, ...]
    all_of: tuple[str, ...]
    any_of: tuple[str, ...]
    inhibits: tuple[str, ...]
    family: str
    group_by: tuple[str, ...]
    cool_down: int
    repeat_on_rise: bool
    grade: str
    grades: tuple[str, ...]
    """Every grade it can fire at, most serious first."""
    rises: tuple[Rising, ...]
    ranks: dict[str, int]
    """Grade id → rank, lower is more serious."""
    message: Template
    filled: frozenset[str]
    """Names its templates fill in."""
    procedure: str
    instruct: str
    review_by: str
    review_within: int
    stands: tuple[Standing, ...]
    letter_to: str
    letter: Template | None
    patrol: Template | None

    @property
    def silence(self) -> Window | None:
        """The window that waits for something not to happen."""
        return next((window for window in self.windows if window.measure == "absence"), None)

    def group(self, values: Values, event_id: str) -> str:
        """What one instruction is for; an unknown part makes the event its own group."""
        parts = [f"{name}:{values.get(name) or event_id}" for name in self.group_by]
        return ",".join(parts)

    def cooldown_key(self, group: str, grade: str) -> str:
        """Under which the store remembers that this grade was told to this group."""
        return f"{self.id}|{group}|{grade}"
