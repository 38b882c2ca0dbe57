"""The response circle 快反圈 (1-3-5 minutes): the time to arrive, by class of place, by who comes, or by severity.

It is no second table: the circle is what the procedure's step `arrive` allows for this place, colour and tier.
"""

from collections.abc import Iterable
from math import ceil

from msgspec import Struct

from engine.model.call import Instant
from engine.model.city import BodyKind, City, Length, StepRule, Tier
from engine.model.order import Event
from engine.model.units import FreeUnit, UnitChoice, UnitKind


def lengths(rule: StepRule, grade: str, place_class: str, tier: Tier | None) -> tuple[Length, ...]:
    """What colour, class of place and tier of the body say of a step's time; the plain time when all are silent."""
    said = (rule.by_grade.get(grade), rule.by_place_class.get(place_class), rule.by_tier.get(tier) if tier else None)
    return tuple(length for length in said if length is not None) or (rule.within,)


def circle_s(city: City, procedure: str, grade: str, place_class: str, body_id: str) -> int:
    """Seconds within which somebody of the body must be there; 0 when the procedure has no step `arrive`."""
    steps = city.procedures[procedure].steps if procedure in city.procedures else ()
    rule = next((s for s in steps if s.step is Event.ARRIVE), None)
    body = city.bodies.get(body_id)
    if rule is None or body is None:
        return 0
    return min(length.seconds for length in lengths(rule, grade, place_class, body.tier))


class Errand(Struct, frozen=True):
    """What a unit is sought for."""

    bodies: tuple[str, ...]
    """The duty's bodies, the first one first."""
    procedure: str
    grade: str
    place_class: str
    tried: tuple[str, ...] = ()
    """Units that were asked and did not sign."""


def nearest(free: Iterable[FreeUnit], city: City, now: Instant, errand: Errand) -> UnitChoice | None:
    """The free unit that is there first and within its circle; None when there is none.

    A station's neighbours help too: the nearest goes, whoever's district it is; what belongs to a special body
    (traffic police) stays with it.
    """
    choices = (_choice(one, city, now, errand) for one in free if one.unit_id not in errand.tried)
    return min((c for c in choices if c), key=lambda choice: (choice.seconds, choice.unit_id), default=None)


def _choice(one: FreeUnit, city: City, now: Instant, errand: Errand) -> UnitChoice | None:
    unit = city.units.get(one.unit_id)
    if unit is None or not errand.bodies or not _may_go(unit.body, errand.bodies, city):
        return None
    if unit.kind is UnitKind.PATROL and now - one.heard_at > city.travel.silent_after_s * 1000:
        return None
    within = circle_s(city, errand.procedure, errand.grade, errand.place_class, unit.body)
    seconds = ceil(one.metres * city.travel.detour / (unit.speed_kmh / 3.6))
    if seconds > within:
        return None
    return UnitChoice(unit.id, unit.body, round(one.metres), seconds, within, errand.bodies[0])


def _may_go(body_id: str, bodies: tuple[str, ...], city: City) -> bool:
    """Whether units of a body may go: its own, the police bodies next in order, and a station's neighbours."""
    body, first = city.bodies[body_id], city.bodies[bodies[0]]
    if body.kind is not BodyKind.POLICE:
        return False
    neighbours = body.tier is first.tier is Tier.TOWNSHIP and first.kind is BodyKind.POLICE
    return body_id in bodies or neighbours
