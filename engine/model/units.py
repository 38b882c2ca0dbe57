"""Units 警力: crews, posts and patrols that can be sent to a place, and which of them is nearest.

The one reading of distance and response circle, for routing (when a call is dispatched) and for the loop (when a unit
does not sign). Distances are metres along the great circle, times seconds.
"""

from enum import StrEnum

from msgspec import Struct

from engine.model.call import Instant


class UnitKind(StrEnum):
    """What a unit is."""

    STATION = "station"
    """The crew on duty at a police station; its place is fixed."""
    POST = "post"
    """A rapid-response point or police box; its place is fixed."""
    PATROL = "patrol"
    """Moves; it counts only while it reports where it is."""


class UnitStatus(StrEnum):
    """What a unit says of itself."""

    FREE = "free"
    BUSY = "busy"
    OFF = "off"


class Unit(Struct, frozen=True):
    """A unit as the table names it (rules/units.yaml)."""

    id: str
    name: str
    body: str
    """The body it belongs to: holds the order the unit is sent with."""
    kind: UnitKind
    lat: float
    lng: float
    """Where it stands unless it says otherwise; degrees, WGS-84."""
    speed_kmh: float
    phone: str = ""


class Travel(Struct, frozen=True):
    """How distance becomes time."""

    detour: float = 1.3
    """Length of the way by road over the length of the straight line."""
    silent_after_s: int = 900
    """A patrol that has said nothing for so long is not counted on."""


class FreeUnit(Struct, frozen=True):
    """A free unit near a point, as the store answers."""

    unit_id: str
    metres: float
    heard_at: Instant
    """When it last said where it is; 0 = never."""


class UnitChoice(Struct, frozen=True):
    """The unit that goes."""

    unit_id: str
    body_id: str
    metres: int
    seconds: int
    """Expected time on the road."""
    within: int
    """The circle in seconds."""
    instead_of: str
    """The body of the duty table; another one than `body_id` when a neighbour is nearer."""
