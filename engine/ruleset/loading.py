"""Loading and checking a rules folder: all faults over all files at once, or a City."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import Fault, RulesRefused
from engine.model.city import City
from engine.ruleset import own_tests
from engine.ruleset.build import build
from engine.ruleset.check_duties import duty_faults
from engine.ruleset.check_place import area_faults, body_faults, city_faults, unit_faults
from engine.ruleset.check_words import danger_faults, taxonomy_faults
from engine.ruleset.check_work import calendar_faults, grade_faults, procedure_faults
from engine.ruleset.coverage import gaps, shadowed, unreached
from engine.ruleset.folder import FILES, Folder, content_hash, read_folder

_CHECKS = (
    city_faults,
    area_faults,
    body_faults,
    taxonomy_faults,
    duty_faults,
    procedure_faults,
    grade_faults,
    calendar_faults,
    danger_faults,
    unit_faults,
)


def load(rules_dir: Path, *, bodies_url: str = "", city: str = "") -> City:
    """The city of a rules folder. Raises `RulesRefused` with every fault of every file.

    `bodies_url` fills `{bodies_url}` of endpoints; empty: those bodies have no endpoint. `city`, when given,
    must be the folder's own city id. The files' own tests are not run here: `check` runs them.
    """
    folder, found, faults = _loaded(rules_dir, bodies_url)
    if folder.city and city and folder.city.value.id != city:
        what = f'this folder is the city "{folder.city.value.id}", the settings ask for "{city}"'
        faults.append(folder.city.fault(("id",), what, "change FENLIU_CITY or FENLIU_RULES_DIR"))
    if faults or found is None:
        raise RulesRefused(*faults)
    return found


def check(rules_dir: Path) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """(faults, warnings) of a rules folder, its own tests included. Raises nothing."""
    folder, city, faults = _loaded(rules_dir, "")
    if city is None:
        return tuple(faults), ()
    faults += _failed_tests(folder, city)
    return tuple(faults), tuple(_warnings(folder, city))


def schemas() -> dict[str, dict[str, Any]]:
    """File name → JSON Schema, for editors that complete and underline."""
    return {name: schema.model_json_schema(by_alias=True) for name, schema in FILES.items()}


def _loaded(rules_dir: Path, bodies_url: str) -> tuple[Folder, City | None, list[Fault]]:
    """The folder, its city when nothing contradicts, and the faults."""
    # Taken first: when a file changes meanwhile, the version is the older one and the next look sees a change.
    version = content_hash(rules_dir)
    folder, faults = read_folder(rules_dir)
    faults += [fault for each in _CHECKS for fault in each(folder)]
    files = folder.files()
    if faults or files is None or folder.duties is None:
        return folder, None, faults
    city = build(files, version, bodies_url)
    return folder, city, list(gaps(city, folder.duties))


def _failed_tests(folder: Folder, city: City) -> Iterator[Fault]:
    if folder.duties:
        yield from own_tests.duty_tests(city, folder.duties)
    if folder.danger:
        yield from own_tests.danger_tests(city, folder.danger)
    if folder.calendar:
        yield from own_tests.calendar_tests(city, folder.calendar)
    if folder.areas:
        yield from own_tests.area_tests(city, folder.areas)


def _warnings(folder: Folder, city: City) -> Iterator[Fault]:
    """What works but is probably not meant."""
    if folder.bodies:
        places = {body.id: n for n, body in enumerate(folder.bodies.value.bodies)}
        for body in unreached(city):
            what = f"nobody ever reaches {body} {city.bodies[body].name}"
            yield folder.bodies.fault(("bodies", places[body]), what, "name it in duties.yaml")
    if folder.duties:
        yield from shadowed(folder.duties)
    if folder.areas:
        for name, ids in own_tests.shared_names(city):
            what = f'"{name}" names {" and ".join(ids)}'
            yield folder.areas.fault(("districts",), what, "a caller who says only that is asked", key=True)
