"""The tests that rule files carry themselves: what the author expects, checked after every change."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from shapely.geometry import Point, Polygon

from engine.errors import Fault
from engine.model.calendar import add_length, local
from engine.model.city import City, Length
from engine.model.dutytable import bodies_of, duty_for
from engine.model.phrases import spoken
from engine.model.reading import Place
from engine.ruleset.coverage import place_of
from engine.ruleset.schema_place import AreasFile, AreaTest
from engine.ruleset.schema_words import DangerFile
from engine.ruleset.schema_work import CalendarFile, DutiesFile
from engine.strictyaml import Document


def duty_tests(city: City, doc: Document[DutiesFile]) -> Iterator[Fault]:
    """Duty tests that come out otherwise."""
    for n, test in enumerate(doc.value.tests):
        place = place_of(city, test.area) if test.area else Place()
        row = duty_for(city.duties, test.category, place, test.hour)
        found = bodies_of(city, row, place) if row else ()
        wanted = (test.body, test.then) if test.then else (test.body,)
        if found[: len(wanted)] != wanted:
            what = f"test failed: {test.category} goes to {', '.join(found) or 'nobody'}"
            yield doc.fault(("tests", n), what, f"expected {', then '.join(wanted)}")


def danger_tests(city: City, doc: Document[DangerFile]) -> Iterator[Fault]:
    """Danger tests that come out otherwise."""
    for n, test in enumerate(doc.value.tests):
        heard = [(rule.name, spoken(rule, test.text, city.harmless)) for rule in city.danger]
        spoke = [f"{name}: {phrase}" for name, phrase in heard if phrase]
        if bool(spoke) != test.danger:
            what = f"test failed: {'; '.join(spoke) or 'no rule'} speaks in “{test.text}”"
            yield doc.fault(("tests", n), what, f"expected danger: {str(test.danger).lower()}")


def calendar_tests(city: City, doc: Document[CalendarFile]) -> Iterator[Fault]:
    """Calendar tests that come out otherwise."""
    for n, test in enumerate(doc.value.tests):
        wall = datetime.strptime(test.start, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(city.tz))
        end = add_length(city.calendar, round(wall.timestamp() * 1000), Length(working_days=test.working_days))
        found = local(city.calendar, end).strftime("%Y-%m-%d %H:%M")
        if found != test.end:
            yield doc.fault(("tests", n), f"test failed: it is over at {found}", f"expected {test.end}")


def area_tests(city: City, doc: Document[AreasFile]) -> Iterator[Fault]:
    """Area tests that come out otherwise."""
    for n, test in enumerate(doc.value.tests):
        found = _areas_at(city, test) if test.lat is not None else _areas_named(city, test.name)
        if test.area not in found or (test.name and len(found) > 1):
            subject = f'"{test.name}"' if test.name else f"{test.lat}, {test.lng}"
            what = f"test failed: {subject} belongs to {', '.join(sorted(found)) or 'no area'}"
            yield doc.fault(("tests", n), what, f"expected {test.area}")


def _areas_at(city: City, test: AreaTest) -> set[str]:
    point = Point(test.lat, test.lng)
    return {area.id for area in city.areas.values() if area.polygon and Polygon(area.polygon).intersects(point)}


def _areas_named(city: City, name: str) -> set[str]:
    """Areas that callers call by a name: their own, an alias, a road or estate, or a known place in them."""
    named = {area.id for area in city.areas.values() if name in (area.name, *area.aliases, *area.roads)}
    return named | {p.area for p in city.places.values() if name in (p.name, p.post_id, *p.aliases)}


def shared_names(city: City) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names that mean two areas at once: a caller who says only that must be asked."""
    owners: dict[str, set[str]] = {}
    for area in city.areas.values():
        for name in {area.name, *area.aliases, *area.roads}:
            owners.setdefault(name, set()).add(area.id)
    for place in city.places.values():
        for name in {place.name, *place.aliases}:
            owners.setdefault(name, set()).add(place.area)
    for name, ids in sorted(owners.items()):
        top = [each for each in ids if not _below_another(city, each, ids)]
        if len(top) > 1:
            yield name, tuple(sorted(top))


def _below_another(city: City, area: str, others: set[str]) -> bool:
    while area := city.areas[area].parent:
        if area in others:
            return True
    return False
