"""Console room: what waits for a person: unsure calls, returned orders, alerts. Oldest danger first. Pure."""

from dataclasses import dataclass

import msgspec

from engine.actions import CallReview, reviewed
from engine.console.board import Board
from engine.console.rows import Row
from engine.model.city import City
from engine.model.decision import Decision
from engine.model.reading import Matter

_WAITING = frozenset({"review", "returned"})
_MOST_CHOICES = 4
_WORTH_ASKING = 0.02
"""Less likely categories are left to the list of all; two are always offered."""
DISMISSALS = ("dismiss_false", "dismiss_known", "dismiss_repeat")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing a person must decide. `kind` is `call` or `alert`."""

    id: str
    kind: str
    row: Row
    danger: bool

    @property
    def since(self) -> int:
        """When it began to wait, ms."""
        return int(self.row["o"])


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to an unsure call: its category, the matter, and the body that would get it."""

    category: str
    matter: Matter
    body_id: str
    probability: float
    by: str = ""
    """Who thinks so: empty for the classifier, `opinion` for the second opinion."""


def queue_of(board: Board) -> list[Waiting]:
    """Everything that waits, what is dangerous before what is not, the oldest first."""
    waiting = [
        Waiting(i, "call", s.row, s.row["x"] or s.row["g"] == "red")
        for i, s in board.orders.items()
        if s.row["st"] in _WAITING and not s.row["al"]
    ]
    waiting += [Waiting(i, "alert", a, a["g"] in ("red", "orange")) for i, a in board.alerts.items()]
    return sorted(waiting, key=lambda w: (not w.danger, w.since, w.id))


def choices_of(outcome: dict[str, object], city: City, hour: int) -> list[Choice]:
    """The likeliest categories with where each would go by the duty table."""
    decision = msgspec.convert(outcome["decision"], Decision)
    reading = outcome["reading"]
    assert isinstance(reading, dict)  # noqa: S101 - the store wrote it so
    found: list[Choice] = []
    for candidate in reading["candidates"]:
        if candidate["category"] not in city.taxonomy.categories or len(found) == _MOST_CHOICES:
            continue
        if len(found) > 1 and candidate["probability"] < _WORTH_ASKING:
            continue
        matter, by = Matter(candidate["matter"]), str(candidate.get("by", ""))
        after = reviewed(decision, CallReview(matter, "-", "-", candidate["category"]), city, hour)
        found.append(Choice(candidate["category"], matter, after.body_id, float(candidate["probability"]), by))
    return found
