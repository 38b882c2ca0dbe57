"""The files of a rules folder: which there are, how each is read, and the ids they know of each other."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from engine.errors import Fault, RulesRefused
from engine.ruleset.schema_place import AreasFile, BodiesFile, CityFile, CommunityRow, UnitsFile
from engine.ruleset.schema_words import DangerFile, TaxonomyFile
from engine.ruleset.schema_work import CalendarFile, DutiesFile, GradesFile, ProceduresFile
from engine.strictyaml import Document, Key, read, read_text
from engine.strictyaml_words import nearest

M = TypeVar("M", bound=BaseModel)

FILES: dict[str, type[BaseModel]] = {
    "city.yaml": CityFile,
    "areas.yaml": AreasFile,
    "bodies.yaml": BodiesFile,
    "taxonomy.yaml": TaxonomyFile,
    "duties.yaml": DutiesFile,
    "procedures.yaml": ProceduresFile,
    "grades.yaml": GradesFile,
    "calendar.yaml": CalendarFile,
    "danger.yaml": DangerFile,
    "units.yaml": UnitsFile,
}
"""Every file this room reads, with its schema. Alert models are read by alerting."""

OPTIONAL = frozenset({"units.yaml"})
"""Files a city may leave out."""

Known = frozenset[str] | None
"""Ids that may be referred to; None when their file could not be read, and then nothing is said of them."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A rules folder as far as it could be read; a file with faults is None."""

    city: Document[CityFile] | None
    areas: Document[AreasFile] | None
    bodies: Document[BodiesFile] | None
    taxonomy: Document[TaxonomyFile] | None
    duties: Document[DutiesFile] | None
    procedures: Document[ProceduresFile] | None
    grades: Document[GradesFile] | None
    calendar: Document[CalendarFile] | None
    danger: Document[DangerFile] | None
    units: Document[UnitsFile] | None

    @property
    def area_ids(self) -> Known:
        """Ids of districts, townships and communities."""
        return frozenset(row.id for _, row in area_rows(self.areas.value)) if self.areas else None

    @property
    def place_classes(self) -> Known:
        """Classes of places."""
        return frozenset(self.areas.value.place_classes) if self.areas else None

    @property
    def body_ids(self) -> Known:
        """Ids of bodies."""
        return frozenset(body.id for body in self.bodies.value.bodies) if self.bodies else None

    @property
    def procedure_ids(self) -> Known:
        """Ids of procedures."""
        return frozenset(each.id for each in self.procedures.value.procedures) if self.procedures else None

    @property
    def grade_ids(self) -> Known:
        """Ids of grades."""
        return frozenset(each.id for each in self.grades.value.grades) if self.grades else None

    @property
    def category_ids(self) -> Known:
        """Ids of categories."""
        if not self.taxonomy:
            return None
        return frozenset(leaf.id for group in self.taxonomy.value.groups for leaf in group.categories)

    @property
    def subtrees(self) -> Known:
        """Ids of categories and of every subtree above them (`crime`, `crime.fraud`)."""
        leaves = self.category_ids
        return leaves and frozenset(
            ".".join(parts[:n]) for parts in (leaf.split(".") for leaf in leaves) for n in range(1, len(parts) + 1)
        )

    def files(self) -> "Files | None":
        """What the files say; None unless all could be read."""
        c, a, b, t, d = self.city, self.areas, self.bodies, self.taxonomy, self.duties
        p, g, k, w, u = self.procedures, self.grades, self.calendar, self.danger, self.units
        if not (c and a and b and t and d and p and g and k and w and u):
            return None
        return Files(c.value, a.value, b.value, t.value, d.value, p.value, g.value, k.value, w.value, u.value)


@dataclass(frozen=True, slots=True)
class Files:
    """What all the files say."""

    city: CityFile
    areas: AreasFile
    bodies: BodiesFile
    taxonomy: TaxonomyFile
    duties: DutiesFile
    procedures: ProceduresFile
    grades: GradesFile
    calendar: CalendarFile
    danger: DangerFile
    units: UnitsFile


def read_folder(rules_dir: Path) -> tuple[Folder, list[Fault]]:
    """Every file of the folder, and the faults of those that cannot be read."""
    faults: list[Fault] = []

    def get(name: str, schema: type[M]) -> Document[M] | None:
        try:
            if name in OPTIONAL and not (rules_dir / name).exists():
                return read_text("version: 1\n", name, schema)
            return read(rules_dir / name, schema)
        except RulesRefused as refused:
            faults.extend(refused.faults)
            return None

    folder = Folder(
        city=get("city.yaml", CityFile),
        areas=get("areas.yaml", AreasFile),
        bodies=get("bodies.yaml", BodiesFile),
        taxonomy=get("taxonomy.yaml", TaxonomyFile),
        duties=get("duties.yaml", DutiesFile),
        procedures=get("procedures.yaml", ProceduresFile),
        grades=get("grades.yaml", GradesFile),
        calendar=get("calendar.yaml", CalendarFile),
        danger=get("danger.yaml", DangerFile),
        units=get("units.yaml", UnitsFile),
    )
    return folder, faults


def content_hash(rules_dir: Path) -> str:
    """16 hexadecimal digits that change when any of the files changes; a missing file counts as an empty one."""
    digest = hashlib.sha256()
    for name in FILES:
        path = rules_dir / name
        content = path.read_bytes() if path.is_file() else b""
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def area_rows(areas: AreasFile) -> Iterator[tuple[Key, CommunityRow]]:
    """Every district, township and community with its path in the file."""
    for d, district in enumerate(areas.districts):
        yield ("districts", d), district
        for t, township in enumerate(district.townships):
            yield ("districts", d, "townships", t), township
            for c, community in enumerate(township.communities):
                yield ("districts", d, "townships", t, "communities", c), community


def refer(doc: Document[M], path: Key, word: str, known: Known, what: str) -> Iterator[Fault]:
    """A fault unless `word` is known; silent when nobody can know."""
    if known is not None and word not in known:
        yield doc.fault(path, f'there is no {what} "{word}"', nearest(word, known))


def once(doc: Document[M], words: Iterable[tuple[Key, str]], what: str) -> Iterator[Fault]:
    """A fault for each word that stood before."""
    seen: set[str] = set()
    for path, word in words:
        if word in seen:
            yield doc.fault(path, f'the {what} "{word}" stands here twice', "keep one of them")
        seen.add(word)
