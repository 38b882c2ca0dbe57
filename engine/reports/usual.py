"""The usual level of a place for an hour and weekday, and how surprising a number of incidents is against it. Pure.

The usual level is counted over weeks before the range, weekday by weekday and hour by hour, so that a busy Friday
night is compared with Friday nights. A number is surprising by the predictive negative binomial: a Poisson count
whose own mean is only known from so many earlier incidents, made wider by how much the place's weeks differ anyway.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import scipy  # its parts are loaded when they are used: `stats` takes a second that no process needs at its start

from engine.model.call import Instant

HOUR_MS = 3_600_000
_QUARTER_MS = 900_000  # offsets of time zones are whole quarters of an hour
Slot = tuple[int, int]
"""Weekday (0 = Monday) and local hour."""
_PRIOR = 0.5
"""Jeffreys' prior: half an incident is added to what was seen before, so that `never yet` is not `impossible`."""


@dataclass(frozen=True, slots=True)
class Range:
    """A range [start, end) of instants in the city's time zone."""

    start: Instant
    end: Instant
    tz: str

    def slots(self) -> Counter[Slot]:
        """How many whole or part hours of each weekday and hour lie in it (part hours count as whole)."""
        zone = ZoneInfo(self.tz)
        first = self.start - self.start % HOUR_MS
        return Counter(slot_of(at, zone) for at in range(first, self.end, HOUR_MS))

    def overlap(self, hours: frozenset[int]) -> float:
        """Hours of the range that are among the local `hours`."""
        return float(sum(n for (_, hour), n in self.slots().items() if hour in hours))


def slot_of(at: Instant, zone: ZoneInfo) -> Slot:
    """Weekday and hour of an instant."""
    return _slot(at // _QUARTER_MS, zone)


@lru_cache(maxsize=100_000)
def _slot(quarter: int, zone: ZoneInfo) -> Slot:
    moment = datetime.fromtimestamp(quarter * _QUARTER_MS / 1000, zone)
    return moment.weekday(), moment.hour


def grid(slots: Mapping[Slot, int]) -> list[list[int]]:
    """7 rows (Monday first) of 24 numbers."""
    return [[slots.get((day, hour), 0) for hour in range(24)] for day in range(7)]


@dataclass(frozen=True, slots=True)
class Level:
    """What is usual: the mean for the range, and how sure that mean is."""

    mean: float
    shape: float
    """Shape of the negative binomial; infinite would be a plain Poisson."""

    def surprise(self, seen: int) -> float:
        """Chance of at least `seen` incidents if nothing has changed (0–1)."""
        if seen <= 0:
            return 1.0
        if not np.isfinite(self.shape):
            return float(scipy.stats.poisson.sf(seen - 1, self.mean))
        return float(scipy.stats.nbinom.sf(seen - 1, self.shape, self.shape / (self.shape + self.mean)))


def usual(
    before: Mapping[Slot, int],
    hours: frozenset[int],
    now_slots: Mapping[Slot, int],
    before_slots: Mapping[Slot, int],
    spread: float,
) -> Level:
    """The usual level of one place in `hours` over the range, each weekday's hour by its own past.

    `spread` is the place's extra variance between weeks, as 1/k of a negative binomial (0 = none beyond chance).
    """
    asked = [slot for slot in now_slots if slot[1] in hours]
    scale = {slot: now_slots[slot] / before_slots[slot] for slot in asked if before_slots.get(slot)}
    if not scale:
        return Level(_PRIOR, _PRIOR)
    typical = sum(scale.values()) / len(scale)
    mean = sum(scale[s] * before.get(s, 0) for s in scale) + typical * _PRIOR
    doubt = sum(scale[s] ** 2 * before.get(s, 0) for s in scale) + typical**2 * _PRIOR
    return Level(mean, 1.0 / (doubt / mean**2 + spread))


def spread_of(weeks: Sequence[int]) -> float:
    """1/k of a negative binomial fitted by moments to weekly numbers; 0 when they vary no more than chance."""
    if len(weeks) < 3 or not any(weeks):
        return 0.0
    mean, variance = float(np.mean(weeks)), float(np.var(weeks, ddof=1))
    return max(0.0, (variance - mean) / mean**2)


def week_numbers(times: Iterable[Instant], base: Range) -> list[int]:
    """Incidents of each whole week of the base."""
    week = 7 * 24 * HOUR_MS
    counted = Counter((at - base.start) // week for at in times)
    return [counted[n] for n in range((base.end - base.start) // week)]


def adjusted(chances: Sequence[float], tests: int) -> list[float]:
    """Benjamini-Hochberg: each chance corrected for `tests` looks, of which those not given came out at 1."""
    if not chances:
        return []
    order = np.argsort(chances)
    ranked: Any = np.asarray(chances)[order] * tests / np.arange(1, len(chances) + 1)
    falling = np.minimum(1.0, np.minimum.accumulate(ranked[::-1])[::-1])
    found = np.empty(len(chances))
    found[order] = falling
    return [float(q) for q in found]
