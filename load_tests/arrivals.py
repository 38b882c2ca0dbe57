"""When calls come in: an open schedule, fixed before the first call, that waits for nobody. Pure."""

import random
from itertools import accumulate, takewhile

MOST_PER_S = 2_000.0
MOST_S = 3_600.0


def bounded(rate: float, seconds: float) -> None:
    """Raises `ValueError` beyond `MOST_PER_S` and `MOST_S`: a load test is bounded."""
    if not 0 < rate <= MOST_PER_S:
        raise ValueError(f"a rate lies above 0 and at most at {MOST_PER_S:.0f} calls a second, not {rate:.0f}")
    if not 0 < seconds <= MOST_S:
        raise ValueError(f"a load test takes more than 0 and at most {MOST_S:.0f} seconds")


def schedule(rate: float, seconds: float, seed: int) -> list[float]:
    """Seconds from the start at which calls come in: a Poisson stream of `rate` a second, as callers are.

    Raises `ValueError` beyond the bounds.
    """
    bounded(rate, seconds)
    dice = random.Random(seed)
    gaps = (dice.expovariate(rate) for _ in iter(int, 1))
    return list(takewhile(lambda at: at < seconds, accumulate(gaps)))
