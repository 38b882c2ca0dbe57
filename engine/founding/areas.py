"""Areas from official division codes of 12 digits: the tier by trailing zeros, the parent by prefix."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import Fault
from engine.founding.sheet import Row, read

COLUMNS = {
    "区划代码": ("代码", "行政区划代码", "统计用区划代码"),
    "名称": ("区划名称", "行政区划名称"),
    "别名": ("俗称",),
    "道路": ("道路小区", "道路和小区"),
}
_CODE = re.compile(r"[0-9]{12}")
_LEVELS = ((4, "city"), (6, "district"), (9, "township"), (12, "community"))
"""Digits that count → tier: 2 province, 2 city, 2 district, 3 township, 3 community."""


@dataclass(slots=True)
class Found:
    """What a table of areas says."""

    city: str = ""
    """Name of the city, when it has a row of its own."""
    districts: list[dict[str, Any]] = field(default_factory=list)
    by_word: dict[str, str] = field(default_factory=dict)
    """Code, short code or name → id; a name that two areas have stands for neither."""
    tiers: dict[str, str] = field(default_factory=dict)
    """Id → tier."""
    faults: list[Fault] = field(default_factory=list)


def level(code: str) -> tuple[str, str]:
    """(tier, id) of a code: `990102001000` → township `990102001`. ("", "") for a province or no code."""
    if not _CODE.fullmatch(code):
        return "", ""
    digits = next((n for n, _ in _LEVELS if not code[n:].strip("0")), 12)
    tier = dict(_LEVELS)[digits]
    above = {"city": (2,), "district": (2, 4), "township": (2, 4, 6), "community": (2, 4, 6, 9)}[tier]
    parts = [code[a:b] for a, b in zip(above, (*above[1:], digits), strict=True)]
    return (tier, code[:digits]) if all(part.strip("0") for part in parts) else ("", "")


def areas(path: Path) -> Found:
    """Districts with townships and communities, in the order of the table; parents may come after their children."""
    found = Found()
    rows: dict[str, tuple[Row, str, str]] = {}
    for row in read(path, COLUMNS, ("区划代码", "名称")):
        code = row["区划代码"].strip("'’ \t")
        tier, id_ = level(code)
        if fault := _fault(row, code, tier, id_, rows):
            found.faults.append(fault)
            continue
        rows[id_] = (row, tier, code)
    _cities(found, rows)
    made: dict[str, dict[str, Any]] = {}
    for id_, (row, tier, code) in sorted(rows.items(), key=lambda item: len(item[0])):
        if tier == "city":
            found.city = row["名称"]
            continue
        area = _area(id_, row, code)
        parent = {"district": "", "township": id_[:6], "community": id_[:9]}[tier]
        if parent and parent not in made:
            word = "district" if tier == "township" else "township"
            what = f"no row has the {word} {parent.ljust(12, '0')} that {code} belongs to"
            found.faults.append(row.fault("区划代码", what, "add its row"))
            continue
        made[id_] = area
        found.tiers[id_] = tier
        kind = {"district": "", "township": "townships", "community": "communities"}[tier]
        (found.districts if not kind else made[parent].setdefault(kind, [])).append(area)
    for word, id_ in _words(made):
        found.by_word[word] = id_ if found.by_word.get(word, id_) == id_ else ""
    return found


def _fault(row: Row, code: str, tier: str, id_: str, rows: dict[str, Any]) -> Fault | None:
    if not _CODE.fullmatch(code):
        return row.fault("区划代码", f'"{code[:20]}" is no division code', "12 digits, such as 990102001000")
    if not tier:
        return row.fault("区划代码", f"{code} is a province or has zeros in its middle", "a city or something below it")
    if id_ in rows:
        return row.fault("区划代码", f"{code} stands in row {rows[id_][0].number} too", "keep one of them")
    if not row["名称"]:
        return row.fault("名称", "has no name", "the name of the division")
    return None


def _cities(found: Found, rows: dict[str, Any]) -> None:
    first = next(iter(rows), "")[:4]
    for id_, (row, _, code) in list(rows.items()):
        if id_[:4] != first:
            found.faults.append(row.fault("区划代码", f"{code} is of another city than {first}…", "one city a table"))
            del rows[id_]


def _area(id_: str, row: Row, code: str) -> dict[str, Any]:
    area: dict[str, Any] = {"id": id_, "name": row["名称"], "code": code}
    for key, column in (("aliases", "别名"), ("roads", "道路")):
        if words := row.many(column):
            area[key] = words
    return area


def _words(made: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for id_, area in made.items():
        yield from ((word, id_) for word in {id_, area["code"], area["name"]})
