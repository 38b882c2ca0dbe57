"""Alerting room: a hit, and the grade at which it fires."""

from msgspec import Struct

from engine.alerting.compiled import Compiled
from engine.alerting.drafting import Firing
from engine.alerting.measures import Measured
from engine.alerting.values import Facts


class Hit(Struct, frozen=True):
    """A model all of whose own conditions hold, before other models' alerts are looked at."""

    model: Compiled
    group: str
    measured: dict[str, Measured]

    def numbers(self) -> dict[str, float]:
        """Window name → measured value."""
        return {name: measured.value for name, measured in self.measured.items()}


def firing_of(hit: Hit, facts: Facts, others: frozenset[str]) -> Firing:
    """The most serious grade that anything speaks for."""
    model, numbers = hit.model, hit.numbers()
    risen = [
        rise.to
        for rise in model.rises
        if (not rise.with_alert or rise.with_alert in others) and rise.holds(facts.values, numbers)
    ]
    grade = min([model.grade, *risen], key=model.ranks.__getitem__)
    return Firing(model, grade, hit.group, hit.measured, tuple(sorted(others)))


def priority(firing: Firing) -> tuple[int, int]:
    """The most serious first, then the first by id."""
    return firing.model.ranks[firing.grade], firing.model.order
