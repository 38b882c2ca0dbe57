"""How many requests a second one caller may send: a bucket for each, of one process.

By call centre secret or by token, after it was believed: nobody uses up another's share by shouting in its name.
"""

import math

from engine.errors import TooMany

_BURST_S = 10.0
"""A bucket holds so many seconds' worth: a storm's first wave is no abuse."""


class Rates:
    """Buckets by name. Names are those of known secrets and tokens, so there are never many."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._most = max(1.0, per_second * _BURST_S)
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, name: str, now_s: float) -> None:
        """Take one, or raise `TooMany` saying when there is one again. `now_s` never runs back. Rate 0: no bound."""
        if not self._rate:
            return
        left, at = self._left.get(name, (self._most, now_s))
        left = min(self._most, left + (now_s - at) * self._rate)
        if left < 1.0:
            wait = max(1, math.ceil((1.0 - left) / self._rate))
            raise TooMany(f"more than {self._rate:g} a second, and the reserve is used up: wait {wait} s", wait)
        self._left[name] = left - 1.0, now_s
