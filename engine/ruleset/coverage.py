"""Whether the duty table covers the city: every category, at every place and hour, has a body that exists."""

from collections.abc import Iterator

from engine.errors import Fault
from engine.model.city import Area, City, Duty, Tier
from engine.model.dutytable import bodies_of, body_in_role, speaks, within
from engine.model.reading import Place
from engine.ruleset.check_duties import DISTRICT
from engine.ruleset.schema_work import DutiesFile
from engine.strictyaml import Document


def place_of(city: City, area: str) -> Place:
    """A place known only by its area."""
    ids: dict[Tier, str] = {}
    while area:
        ids[city.areas[area].tier] = area
        area = city.areas[area].parent
    return Place(ids.get(Tier.DISTRICT, ""), ids.get(Tier.TOWNSHIP, ""), ids.get(Tier.COMMUNITY, ""))


def gaps(city: City, doc: Document[DutiesFile]) -> Iterator[Fault]:
    """A fault for each category that has no body somewhere at some hour."""
    places = [(area.id, place_of(city, area.id)) for area in _smallest(city)]
    served = _Served(city)
    for category in city.taxonomy.categories.values():
        rows = [row for row in city.duties if within(category.id, row.category)]
        missing = _missing(city, rows, category.id, places, served)
        if not rows:
            yield doc.fault(("duties",), f"nobody takes {category.id} {category.name}", "add a row for it", key=True)
        elif missing:
            yield doc.fault(("duties",), f"{category.id} {category.name} has no body {missing}", "add a row", key=True)


def _smallest(city: City) -> list[Area]:
    """Areas that hold no others: a row may be narrowed down to one of them."""
    parents = {area.parent for area in city.areas.values()}
    return [area for area in city.areas.values() if area.id not in parents]


class _Served(dict[tuple[tuple[str, ...], str], bool]):
    """Whether a list of bodies and roles finds anybody in an area: asked for every category, looked up once."""

    def __init__(self, city: City) -> None:
        super().__init__()
        self._city = city

    def at(self, row: Duty, area: str, place: Place) -> bool:
        """The answer for one row in an area, which is `place`."""
        asked = (row.bodies, area)
        if asked not in self:
            self[asked] = bool(bodies_of(self._city, row, place))
        return self[asked]


def _missing(city: City, rows: list[Duty], category: str, places: list[tuple[str, Place]], served: _Served) -> str:
    """Where and when the first gap is, in words; empty when there is none."""
    plain = next((n for n, row in enumerate(rows) if not row.areas and row.hours is None), len(rows))
    rows = rows[: plain + 1]  # a row without conditions always speaks: none below it does
    turns = {0} | {hour % 24 for row in rows for hour in row.hours or ()}  # between two turns nothing changes
    for area, place in places:
        for hour in sorted(turns):
            row = next((row for row in rows if speaks(row, category, place, hour)), None)
            if row is None or not served.at(row, area, place):
                return f"in {city.areas[area].name} at {hour}:00"
    return ""


def shadowed(doc: Document[DutiesFile]) -> Iterator[Fault]:
    """A warning for each category of a row that a row above always answers first."""
    for n, row in enumerate(doc.value.duties):
        for c, category in enumerate(row.categories):
            for above in doc.value.duties[:n]:
                everywhere = not above.areas or (row.areas and set(row.areas) <= set(above.areas))
                always = above.hours is None or above.hours == row.hours
                if everywhere and always and any(within(category, wide) for wide in above.categories):
                    what = f"{category} never comes down to this row"
                    yield doc.fault(("duties", n, "categories", c), what, "move it above the wider row")
                    break


def unreached(city: City) -> Iterator[str]:
    """Ids of bodies that no duty, role or office ever names, and that are nobody's superior."""
    reached = {city.command_body, city.leader_body}
    for duty in city.duties:
        reached.update(duty.joint)
        reached.update(body for body in duty.bodies if DISTRICT not in body)
        for role in {"station", "branch", "township"} & set(duty.bodies):
            reached.update(body_in_role(city.bodies.values(), role, place_of(city, area)) for area in city.areas)
    for procedure in city.procedures.values():
        reached.update(who for rung in procedure.ladder for who in rung.tell)
    for body in list(reached & set(city.bodies)):
        while body := city.bodies[body].parent:
            reached.add(body)
    yield from (body for body in city.bodies if body not in reached)
