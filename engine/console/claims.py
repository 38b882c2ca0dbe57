"""Console room: who is deciding what at the review desk, so that a second officer sees it is taken.

Kept in memory: there is one console process, and a claim that is lost costs only a second look (the store
refuses the second decision anyway).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.model.call import Instant

LASTS_MS = 180_000


@dataclass(frozen=True, slots=True)
class Claim:
    """One screen of one officer works on a subject."""

    screen: str
    who: str
    at: Instant


@dataclass(slots=True)
class Claims:
    """All claims, one a subject and one a screen."""

    held: dict[str, Claim] = field(default_factory=dict)
    _watchers: set[Callable[[], object]] = field(default_factory=set)

    def watch(self, told: Callable[[], object]) -> Callable[[], None]:
        """Have `told` called when claims change; answers how to stop that."""
        self._watchers.add(told)
        return lambda: self._watchers.discard(told)

    def take(self, subject: str, screen: str, who: str, now: Instant) -> None:
        """Claim a subject for a screen unless another holds it; whatever the screen held before is let go."""
        others = {s: c for s, c in self.held.items() if c.screen != screen}
        held = self.holder(subject, now)
        if held is None or held.screen == screen:
            others[subject] = Claim(screen, who, now)
        self._become(others)

    def leave(self, screen: str) -> None:
        """The screen works on nothing."""
        self._become({s: c for s, c in self.held.items() if c.screen != screen})

    def _become(self, held: dict[str, Claim]) -> None:
        """Watchers hear only of a change, or two screens would answer each other for ever."""
        before = {s: c.screen for s, c in self.held.items()}
        self.held = held
        if before != {s: c.screen for s, c in held.items()}:
            for told in list(self._watchers):
                told()

    def holder(self, subject: str, now: Instant) -> Claim | None:
        """Who holds a subject; a claim ends after three minutes."""
        claim = self.held.get(subject)
        return claim if claim and now - claim.at < LASTS_MS else None
