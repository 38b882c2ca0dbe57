"""Reading the duty table 职责清单: which row speaks for a call, and which bodies its roles mean at a place.

The one reading for routing, for the checks of a rules folder and for tables shown to people.
"""

from collections.abc import Iterable
from functools import lru_cache

from engine.model.city import Body, BodyKind, City, Duty, Tier
from engine.model.reading import Place

ROLES: dict[str, tuple[BodyKind, Tier]] = {
    "station": (BodyKind.POLICE, Tier.TOWNSHIP),
    "branch": (BodyKind.POLICE, Tier.DISTRICT),
    "township": (BodyKind.TOWNSHIP, Tier.TOWNSHIP),
}
"""Roles found by the place."""
SUPERIOR = "superior"
"""The role that means the parent of the body before it."""


def duty_for(duties: Iterable[Duty], category: str, place: Place, hour: int) -> Duty | None:
    """The first row that fits the category, the place and the local hour (0–23)."""
    above = subtrees(category)
    return next((row for row in duties if row.category in above and speaks(row, category, place, hour)), None)


@lru_cache(maxsize=1024)
def subtrees(category: str) -> frozenset[str]:
    """A category and all that it lies below."""
    parts = category.split(".")
    return frozenset(".".join(parts[:end]) for end in range(1, len(parts) + 1))


def speaks(row: Duty, category: str, place: Place, hour: int) -> bool:
    """Whether one row fits. A row narrowed to areas does not speak for an unknown place."""
    here = {place.district, place.township, place.community}
    return (
        within(category, row.category)
        and (not row.areas or not here.isdisjoint(row.areas))
        and (row.hours is None or in_hours(hour, row.hours))
    )


def within(category: str, subtree: str) -> bool:
    """Whether a category is `subtree` or lies below it."""
    return category == subtree or category.startswith(subtree + ".")


def in_hours(hour: int, hours: tuple[int, int]) -> bool:
    """Whether a local hour lies in [from, to), which may pass midnight."""
    start, end = hours
    return start <= hour < end if start < end else hour >= start or hour < end


def bodies_of(city: City, row: Duty, place: Place) -> tuple[str, ...]:
    """Body ids of a row at a place, in order; roles that find nobody there are left out."""
    found: list[str] = []
    for each in row.bodies:
        body = _role(city, each, found, place) if each in ROLES or each == SUPERIOR else each
        if body and body not in found:
            found.append(body)
    return tuple(found)


def body_in_role(bodies: Iterable[Body], role: str, place: Place) -> str:
    """Id of the police station, police branch or township body that serves a place; empty if unknown."""
    kind, tier = ROLES[role]
    here = {place.district, place.township, place.community} - {""}
    return next((b.id for b in bodies if (b.kind, b.tier) == (kind, tier) and not here.isdisjoint(b.areas)), "")


def _role(city: City, role: str, before: list[str], place: Place) -> str:
    if role == SUPERIOR:
        return city.bodies[before[-1]].parent if before else ""
    return body_in_role(city.bodies.values(), role, place)
