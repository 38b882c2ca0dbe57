"""Two runs beside each other: what became slower, what became faster. Pure."""

from dataclasses import dataclass
from typing import Any

MEASURES = ("answer", "service_only", "order_at_body", "reminder_after_deadline", "instruction_after_alert")
_PERCENTILES = ("p50_ms", "p99_ms", "max_ms")
WORSE = 1.25
"""A percentile that grew by more than a quarter is called slower; less is noise on a shared machine."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both runs."""

    name: str
    before: float
    after: float

    @property
    def ratio(self) -> float:
        """After over before; 0 when there is nothing to divide by."""
        return round(self.after / self.before, 3) if self.before else 0.0

    @property
    def verdict(self) -> str:
        """`slower`, `faster` or `same`."""
        if not self.before or not self.after:
            return "same"
        return "slower" if self.ratio > WORSE else "faster" if self.ratio < 1 / WORSE else "same"


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[Row]:
    """Every percentile and every kind of process that both runs measured."""
    rows = []
    for measure in MEASURES:
        one, two = before.get(measure, {}), after.get(measure, {})
        rows += [Row(f"{measure} {p}", one[p], two[p]) for p in _PERCENTILES if p in one and p in two]
    one, two = before.get("cpu_us_per_call", {}), after.get("cpu_us_per_call", {})
    rows += [Row(f"cpu us per call {kind}", one[kind], two[kind]) for kind in one if kind in two]
    return rows
