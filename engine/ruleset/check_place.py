"""What can be wrong with city.yaml, areas.yaml and bodies.yaml beyond the form of single values."""

import string
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from shapely.geometry import Point, Polygon

from engine.errors import Fault
from engine.model.city import BodyKind, Tier
from engine.model.dutytable import ROLES
from engine.ruleset.folder import Folder, area_rows, once, refer
from engine.ruleset.schema_place import AreasFile, BodiesFile, CommunityRow
from engine.strictyaml import Document, Key

# Neighbours share corners that are rounded to about a metre; a smaller overlap is rounding.
_ROUNDING = 1e-7
_CODE_DIGITS = {2: 6, 4: 9, 6: 12}
"""Length of an area's path in the file → how many digits of its code are its own or its superiors'."""


def city_faults(folder: Folder) -> Iterator[Fault]:
    """Bodies that do not exist, a time zone that does not exist."""
    if not (doc := folder.city):
        return
    yield from refer(doc, ("command_body",), doc.value.command_body, folder.body_ids, "body")
    if doc.value.leader_body:
        yield from refer(doc, ("leader_body",), doc.value.leader_body, folder.body_ids, "body")
    try:
        ZoneInfo(doc.value.tz)
    except (OSError, ValueError, KeyError):
        yield doc.fault(("tz",), f'there is no time zone "{doc.value.tz}"', 'write e.g. "Asia/Shanghai"')


def area_faults(folder: Folder) -> Iterator[Fault]:
    """Double ids and codes, codes that do not nest, polygons that overlap, places outside their area."""
    if not (doc := folder.areas):
        return
    rows = list(area_rows(doc.value))
    yield from once(doc, [((*path, "id"), row.id) for path, row in rows], "area")
    yield from once(doc, [((*path, "code"), row.code) for path, row in rows if row.code], "code")
    yield from _code_faults(doc, rows)
    shapes, bad = _shapes(doc, rows)
    yield from bad
    if not bad:
        yield from _tiling_faults(doc, shapes)
    yield from _place_faults(doc, {row.id: shapes[path] for path, row in rows if path in shapes})
    for n, test in enumerate(doc.value.tests):
        yield from refer(doc, ("tests", n, "area"), test.area, folder.area_ids, "area")
        if bool(test.name) == (test.lat is not None and test.lng is not None):
            yield doc.fault(("tests", n), "a test has either a name or lat and lng", "give one of them")


def _code_faults(doc: Document[AreasFile], rows: list[tuple[Key, CommunityRow]]) -> Iterator[Fault]:
    codes = {path: row.code for path, row in rows}
    for path, row in rows:
        above = codes.get(path[:-2], "")
        digits = _CODE_DIGITS.get(len(path) - 2, 0)
        if row.code and above and not row.code.startswith(above[:digits]):
            yield doc.fault(
                (*path, "code"), f"the code {row.code} lies outside {above}", f"begin with {above[:digits]}"
            )


def _shapes(doc: Document[AreasFile], rows: list[tuple[Key, CommunityRow]]) -> tuple[dict[Key, Polygon], list[Fault]]:
    """Polygons by path, and the rings that are none."""
    shapes: dict[Key, Polygon] = {}
    faults = []
    for path, row in rows:
        if not row.polygon:
            continue
        shape = Polygon(row.polygon) if len(row.polygon) > 2 else Polygon()
        if shape.is_empty or not shape.is_valid:
            right = "give at least three corners in order around it"
            faults.append(doc.fault((*path, "polygon"), f"the ring of {row.id} crosses itself or is no ring", right))
        else:
            shapes[path] = shape
    return shapes, faults


def _tiling_faults(doc: Document[AreasFile], shapes: dict[Key, Polygon]) -> Iterator[Fault]:
    """Siblings that overlap, areas that reach out of their superior."""
    names = {path: row.id for path, row in area_rows(doc.value)}
    done: dict[Key, list[Key]] = {}
    for path, shape in shapes.items():
        above = shapes.get(path[:-2])
        if above is not None and shape.difference(above).area > _ROUNDING:
            what = f"{names[path]} reaches out of {names[path[:-2]]}"
            yield doc.fault((*path, "polygon"), what, "draw it within")
        for other in done.setdefault(path[:-1], []):
            if shape.intersection(shapes[other]).area > _ROUNDING:
                what = f"{names[path]} overlaps {names[other]}"
                yield doc.fault((*path, "polygon"), what, "share corners instead")
        done[path[:-1]].append(path)


def _place_faults(doc: Document[AreasFile], shapes: dict[str, Polygon]) -> Iterator[Fault]:
    places = doc.value.places
    known = frozenset(row.id for _, row in area_rows(doc.value))
    yield from once(doc, [(("places", n, "id"), place.id) for n, place in enumerate(places)], "place")
    yield from once(doc, [(("places", n, "post_id"), p.post_id) for n, p in enumerate(places) if p.post_id], "post_id")
    for n, place in enumerate(places):
        yield from refer(doc, ("places", n, "area"), place.area, known, "area")
        classes = frozenset(doc.value.place_classes)
        yield from refer(doc, ("places", n, "class"), place.class_, classes, "class of places")
        shape = shapes.get(place.area)
        if shape is not None and not shape.intersects(Point(place.lat, place.lng)):
            yield doc.fault(("places", n, "lat"), f"{place.name} lies outside {place.area}", "move it or its area")


def body_faults(folder: Folder) -> Iterator[Fault]:
    """Double ids, superiors and areas that do not exist, loops, two bodies in one role, bad endpoints."""
    if not (doc := folder.bodies):
        return
    bodies = doc.value.bodies
    yield from once(doc, [(("bodies", n, "id"), body.id) for n, body in enumerate(bodies)], "body")
    yield from _endpoint_faults(doc)
    for n, body in enumerate(bodies):
        if body.id in ROLES or body.id in ("superior", "holder", "officer", "leader"):
            yield doc.fault(("bodies", n, "id"), f'"{body.id}" is the name of a role', "choose another id")
        if body.parent:
            yield from refer(doc, ("bodies", n, "parent"), body.parent, folder.body_ids, "body")
        for a, area in enumerate(body.areas):
            yield from refer(doc, ("bodies", n, "areas", a), area, folder.area_ids, "area")
    yield from _loop_faults(doc)
    yield from _role_faults(doc)


def _loop_faults(doc: Document[BodiesFile]) -> Iterator[Fault]:
    """Bodies that are their own superior over some corner: each loop is told once."""
    parents = {body.id: body.parent for body in doc.value.bodies}
    told: set[str] = set()
    for n, body in enumerate(doc.value.bodies):
        way = [body.id]
        while (above := parents.get(way[-1], "")) and above not in way:
            way.append(above)
        if above == body.id and body.id not in told:
            told.update(way)
            loop = " → ".join([*way, body.id])
            yield doc.fault(("bodies", n, "parent"), f"superiors go in a circle: {loop}", "break it at one place")


def _role_faults(doc: Document[BodiesFile]) -> Iterator[Fault]:
    """A police station, branch or township body without areas, or two of them for one area."""
    serves: dict[tuple[BodyKind, Tier, str], str] = {}
    for n, body in enumerate(doc.value.bodies):
        if (body.kind, body.tier) not in ROLES.values():
            continue
        if not body.areas:
            yield doc.fault(("bodies", n), f"{body.id} serves no area", "add areas: nobody would find it")
        for a, area in enumerate(body.areas):
            first = serves.setdefault((body.kind, body.tier, area), body.id)
            if first != body.id:
                what = f"{body.id} and {first} both serve {area} in the same role"
                yield doc.fault(("bodies", n, "areas", a), what, "leave it to one of them")


def _endpoint_faults(doc: Document[BodiesFile]) -> Iterator[Fault]:
    paths: list[tuple[Key, str | None]] = [
        (("defaults", "endpoint"), doc.value.defaults.endpoint),
        (("defaults", "secret"), doc.value.defaults.secret),
    ]
    for n, body in enumerate(doc.value.bodies):
        paths += [(("bodies", n, "endpoint"), body.endpoint), (("bodies", n, "secret"), body.secret)]
    for path, text in paths:
        if text and not _names(text) <= {"bodies_url", "id"}:
            right = "only {bodies_url} and {id} can stand in braces"
            yield doc.fault(path, f'"{text}" cannot be filled in', right)
        elif text and path[-1] == "endpoint" and not text.startswith(("{bodies_url}", "http://", "https://")):
            yield doc.fault(path, f'"{text}" is not an address', "begin with https:// or {bodies_url}")


def _names(text: str) -> set[str]:
    """The names in braces of a template; one that no template has when it is broken."""
    try:
        return {
            name + (spec or "") + (conv or "")
            for _, name, spec, conv in string.Formatter().parse(text)
            if name is not None
        }
    except ValueError:
        return {"?"}


def unit_faults(folder: Folder) -> Iterator[Fault]:
    """Double ids, bodies that do not exist or send nobody."""
    if not (doc := folder.units):
        return
    units = doc.value.units
    yield from once(doc, [(("units", n, "id"), unit.id) for n, unit in enumerate(units)], "unit")
    kinds = {body.id: body.kind for body in folder.bodies.value.bodies} if folder.bodies else {}
    for n, unit in enumerate(units):
        yield from refer(doc, ("units", n, "body"), unit.body, folder.body_ids, "body")
        if kinds.get(unit.body, BodyKind.POLICE) is not BodyKind.POLICE:
            yield doc.fault(("units", n, "body"), f"{unit.body} is no police body", "units belong to police bodies")
