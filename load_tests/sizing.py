"""From measured figures to a city: how many processes and how much memory a population and its calls need. Pure."""

import math
from dataclasses import dataclass

CALLS_A_THOUSAND = 0.4
"""Valid calls a day for each thousand people: a big city of 12.5 million takes about 5,000."""
STORM = 3.0
"""A storm brings three times the normal rate."""
FILL = 0.5
"""Share of a processor that is planned with: the rest is for what is not planned."""
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What one call costs, in processor microseconds, and what is held, as a run measured it."""

    api_us: float
    worker_us: float
    store_us: float
    api_mb: float
    worker_mb: float
    store_bytes_a_call: float
    busiest_hour: float
    """Share of a day's calls that come in its busiest hour."""


@dataclass(frozen=True, slots=True)
class Need:
    """What must be provided."""

    people: int
    calls_a_day: int
    peak_per_s: float
    """The busiest hour of a day in a storm."""
    api: int
    workers: int
    store_share: float
    """Of one processor: the store has one thread, beyond 0.5 a second city's slot is due."""
    process_mb: int
    store_mb_a_year: int


def need(people: int, measured: Measured, *, calls_a_day: int = 0) -> Need:
    """For a population; `calls_a_day` instead of what such a population usually makes."""
    daily = calls_a_day or round(people / 1000 * CALLS_A_THOUSAND)
    peak = daily * measured.busiest_hour / 3_600 * STORM
    api = max(1, math.ceil(peak * measured.api_us / 1e6 / FILL))
    workers = max(1, math.ceil(peak * measured.worker_us / 1e6 / FILL))
    return Need(
        people=people,
        calls_a_day=daily,
        peak_per_s=round(peak, 2),
        api=api,
        workers=workers,
        store_share=round(peak * measured.store_us / 1e6, 3),
        process_mb=round(api * measured.api_mb + workers * measured.worker_mb),
        store_mb_a_year=round(daily * 365 * measured.store_bytes_a_call / 1e6),
    )
