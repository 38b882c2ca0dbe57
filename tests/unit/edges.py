"""What tests at the edge share: a clock that stands where it is put, and rules without alert models."""

from typing import Any

from engine.alerting import Engine, ModelSet
from engine.clock import Clock
from engine.model.city import City
from engine.pipeline import Rulebook

Told = list[tuple[str, str, str]]
"""What was written down for people: what, about what, in which words."""


class At(Clock):
    """A clock that stands where it is put."""

    def __init__(self, now: int) -> None:
        super().__init__(None)
        self.at = now

    def now(self) -> int:
        return self.at


def rules_of(city: City, reader: Any = None) -> Rulebook:
    """The city's rules without a single alert model; nobody reads a text unless there is a reader."""
    return Rulebook(city, Engine(ModelSet((), {}, {}, (), ""), city), reader)
