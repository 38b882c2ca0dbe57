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
    places = [place_of(city, area.id) for area in _smallest(city)]
    for category in city.taxonomy.categories.values():
        rows = [row for row in city.duties if within(category.id, row.category)]
        missing = _missing(city, rows, category.id, places)
        if not rows:
            yield doc.fault(("duties",), f"nobody takes {category.id} {category.name}", "add a row for it", key=True)
        elif missing:
            yield doc.fault(("duties",), f"{category.id} {category.name} has no body {missing}", "add a row", key=True)


def _smallest(city: City) -> list[Area]:
    """Areas that hold no others: a row may be narrowed down to one of them."""
    parents = {area.parent for area in city.areas.values()}
    return [area for area in city.areas.values() if area.id not in parents]


def _missing(city: City, rows: list[Duty], category: str, places: list[Place]) -> str:
    """Where and when the first gap is, in words; empty when there is none."""
    alike = not any(row.areas for row in rows) and not any(row.hours for row in rows)
    hours = range(1) if alike else range(24)
    answers: dict[tuple[int, Place], bool] = {}
    for place in places:
        for hour in hours:
            number = next((n for n, row in enumerate(rows) if speaks(row, category, place, hour)), -1)
            if number < 0 or not answers.setdefault((number, place), _served(city, rows[number], place)):
                where = city.areas[place.community or place.township or place.district].name
                return f"in {where} at {hour}:00"
    return ""


def _served(city: City, row: Duty, place: Place) -> bool:
    return bool(bodies_of(city, row, place))


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
