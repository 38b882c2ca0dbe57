"""Circuit breaker: a body that does not answer is left alone for a while, so that it holds up nobody else. Pure.

closed → (several failures in a row) → open → (after a pause) → half open: one message tries → closed or open again.
"""

from dataclasses import dataclass

from engine.model.call import Instant
from engine.model.values import replace

OPENS_AFTER = 5
"""Failed tries in a row."""
_FIRST_PAUSE_MS = 5_000
_LONGEST_PAUSE_MS = 60_000
"""Short enough that a body that is back has its orders within a minute."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """How one body has answered lately."""

    failures: int = 0
    """Failed tries in a row."""
    open_until: Instant = 0
    """0 while closed."""
    probing: bool = False
    """One message is trying the open circuit."""
    since: Instant = 0
    """When it last opened from closed."""

    @property
    def state(self) -> str:
        """closed | open | half_open."""
        if not self.open_until:
            return "closed"
        return "half_open" if self.probing else "open"


CLOSED = Circuit()


def asked(circuit: Circuit, now: Instant) -> tuple[Circuit, Instant]:
    """Whether a message may try now: 0, or the instant at which to ask again; and the circuit after asking."""
    if not circuit.open_until:
        return circuit, 0
    if circuit.probing:
        return circuit, max(circuit.open_until, now + 1_000)
    if now < circuit.open_until:
        return circuit, circuit.open_until
    return replace(circuit, probing=True), 0


def answered(circuit: Circuit, now: Instant, *, failed: bool) -> Circuit:
    """The circuit after a try that ended."""
    if not failed:
        return CLOSED
    if circuit.open_until and not circuit.probing:
        return circuit  # it was under way when the circuit opened and says nothing new
    failures = circuit.failures + 1
    if failures < OPENS_AFTER:
        return Circuit(failures)
    pause = min(_FIRST_PAUSE_MS << min(failures - OPENS_AFTER, 10), _LONGEST_PAUSE_MS)
    return Circuit(failures, now + pause, since=circuit.since or now)
