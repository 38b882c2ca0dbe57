"""The decision on one call: whose matter, which body, by which handoff, and why."""

from enum import StrEnum

from msgspec import Struct

from engine.model.reading import Matter, Place, Reason
from engine.model.units import UnitChoice


class Handoff(StrEnum):
    """How a call is passed on (DOMAIN M2: 移交)."""

    DISPATCH = "dispatch"
    """Police go."""
    TRANSFER = "transfer"
    """One-key transfer of a live, clear call 一键转接."""
    THREE_WAY = "three_way"
    """Three-way call, unclear or overlapping 三方通话."""
    WORK_ORDER = "work_order"
    """Not urgent: a written order 工单."""
    JOIN = "join"
    """A duplicate rides on the order that is already open 并单."""
    NONE = "none"
    """Nothing to hand over (a person decides first, or there is no matter)."""


class Links(Struct, frozen=True):
    """Earlier calls this one is tied to (DOMAIN M3)."""

    same_caller: int = 0
    same_place: int = 0
    duplicate_of: str = ""
    """Order id of the open order this call reports again; empty when it is new."""
    possible_duplicate: str = ""
    """Order id of an open order it may report again: a person looks; empty when there is none."""
    dossier_id: str = ""
    same_caller_calls: tuple[str, ...] = ()
    same_place_calls: tuple[str, ...] = ()
    handed_back: str = ""
    """Order or call of ours that 12345 names when it hands a police matter back."""


class Decision(Struct, frozen=True):
    """What Fenliu answers while the caller is still on the line."""

    matter: Matter
    category: str
    group: str
    confidence: float
    danger: bool
    review: bool
    handoff: Handoff
    body_id: str
    """Receiving body; empty when there is none yet."""
    fallbacks: tuple[str, ...]
    """Bodies to try next, in order, when the first returns the order."""
    joint: tuple[str, ...]
    """Bodies informed at once beside the first (119, 120, 122)."""
    procedure: str
    grade: str
    """red | orange | yellow | blue | green (rules/grades.yaml)."""
    place: Place
    reasons: tuple[Reason, ...]
    unit: UnitChoice | None = None
    """The nearest free unit, for a dispatch to a known point."""
