"""What one API process measures of itself: how long answers take, how late its loop is, what it refused.

Counting costs less than a microsecond a call; nothing is locked, because one loop writes and the same loop reads.
"""

import asyncio
import os
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

_EVERY_S = 0.02
ANSWER_BOUNDS_S = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
LAG_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""The loop's own timers are a millisecond coarse, so the first of these is reached by a loop that does nothing."""


@dataclass(slots=True)
class Histogram:
    """Numbers counted in buckets."""

    bounds: tuple[float, ...]
    """Upper ends, seconds, rising; beyond the last is one more bucket."""
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        """One measurement."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def cumulated(self) -> list[tuple[str, int]]:
        """(upper end, how many at or below), as Prometheus wants it."""
        found, so_far = [], 0
        for bound, n in zip((*map(repr, self.bounds), "+Inf"), self.counts, strict=True):
            so_far += n
            found.append((bound, so_far))
        return found


@dataclass(slots=True)
class Gauges:
    """The measurements of this process."""

    answers: Histogram = field(default_factory=lambda: Histogram(ANSWER_BOUNDS_S))
    """Webhooks taken: from the request's arrival to its answer."""
    lag: Histogram = field(default_factory=lambda: Histogram(LAG_BOUNDS_S))
    """How late a timer of the loop came."""
    refused: Counter[str] = field(default_factory=Counter)
    """Webhooks not taken, by the kind of problem."""
    process: str = field(default_factory=lambda: str(os.getpid()))

    async def watch(self) -> None:
        """Measure the loop's lateness for ever."""
        while True:
            due = time.perf_counter() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self.lag.add(max(0.0, time.perf_counter() - due))
