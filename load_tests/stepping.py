"""Step-up search: the highest rate at which the service still holds a goal for the 99th percentile."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Try = Callable[[float], Awaitable[dict[str, Any]]]
"""Runs at a rate; answers the figures of that run."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rate tried."""

    rate: float
    p99_ms: float
    holds: bool


def holds(shown: dict[str, Any], p99_ms: float) -> bool:
    """Whether every call was made and answered, within the goal."""
    found = shown["answer"].get("p99_ms")
    return not shown["not_made"] and not shown["failed"] and found is not None and found <= p99_ms


async def search(
    run_at: Try, *, start: float, p99_ms: float, growth: float = 1.5, most: float = 2_000.0, halvings: int = 3
) -> list[Step]:
    """Every step: up by `growth` until the goal is missed, then `halvings` times between the two last rates."""
    steps: list[Step] = []

    async def at(rate: float) -> bool:
        shown = await run_at(rate)
        steps.append(Step(round(rate, 1), shown["answer"].get("p99_ms", 0.0), holds(shown, p99_ms)))
        return steps[-1].holds

    low, high = 0.0, start
    while high <= most and await at(high):
        low, high = high, high * growth
    for _ in range(halvings if high <= most else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if await at(middle) else (low, middle)
    return steps


def capacity(steps: list[Step]) -> float:
    """The highest rate that held; 0 when none did."""
    return max((s.rate for s in steps if s.holds), default=0.0)
