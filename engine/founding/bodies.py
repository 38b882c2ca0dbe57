"""Bodies 承接单位 from a table, with the words a city uses for kinds, tiers, superiors and areas."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import Fault
from engine.founding.areas import Found as Areas
from engine.founding.sheet import Row, read

COLUMNS = {
    "编号": ("单位编号", "id"),
    "名称": ("单位名称", "承接单位"),
    "类别": ("单位类别", "性质"),
    "层级": ("单位层级", "级别"),
    "上级": ("上级单位",),
    "辖区": ("管辖区域", "辖区代码"),
    "电话": ("联系电话",),
    "可转接": ("能否转接", "一键转接"),
    "接口地址": ("接口",),
    "纬度": (),
    "经度": (),
}
KINDS = {
    "指挥中心": "command", "公安": "police", "应急": "emergency", "热线": "hotline", "部门": "department",
    "镇街": "township",
}  # fmt: skip
TIERS = {"市": "city", "市级": "city", "区": "district", "区县": "district", "区县级": "district", "县": "district",
         "镇街": "township", "街道": "township", "乡镇": "township", "镇街级": "township"}  # fmt: skip
YES = {"是": True, "可": True, "1": True, "否": False, "不可": False, "0": False, "": False}
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(slots=True)
class Found:
    """What a table of bodies says."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    by_word: dict[str, str] = field(default_factory=dict)
    """Id or name → id."""
    faults: list[Fault] = field(default_factory=list)

    def first(self, kind: str) -> str:
        """The first body of a kind, those of the city before others; empty when there is none."""
        of_kind = [b for b in self.bodies if b["kind"] == kind]
        return next((b["id"] for b in sorted(of_kind, key=lambda b: b["tier"] != "city")), "")


def bodies(path: Path, areas: Areas) -> Found:
    """Every body; a superior may stand below the body that names it."""
    found = Found()
    rows = read(path, COLUMNS, ("名称", "类别", "层级"))
    for row in rows:
        id_ = row["编号"] or f"b{row.number}"
        for word in {id_, row["名称"]} - {""}:
            if word in found.by_word:
                found.faults.append(
                    row.fault("编号" if word == id_ else "名称", f'"{word}" stands here twice', "keep one")
                )
            found.by_word[word] = id_
    for row in rows:
        found.bodies.append(_body(row, row["编号"] or f"b{row.number}", areas, found))
    for kind, word in (("command", "指挥中心"), ("hotline", "热线")):
        if not found.first(kind):
            sheet = rows[0].sheet if rows else path.name
            found.faults.append(Fault(f"{sheet}!A1", f"no body is of the kind {word}", f"one row with 类别 {word}"))
    return found


def _body(row: Row, id_: str, areas: Areas, found: Found) -> dict[str, Any]:
    body: dict[str, Any] = {"id": id_, "name": row["名称"]}
    found.faults += _named(row, id_)
    for key, column, words in (("kind", "类别", KINDS), ("tier", "层级", TIERS)):
        body[key] = chosen(row, column, words, found.faults)
    if row["上级"]:
        body["parent"] = found.by_word.get(row["上级"], "")
        if not body["parent"]:
            found.faults.append(row.fault("上级", f'there is no body "{row["上级"]}"', "a 名称 or 编号 of this table"))
    if served := places(row, "辖区", areas, found.faults):
        body["areas"] = served
    if chosen(row, "可转接", YES, found.faults):
        body["live_transfer"] = True
    body |= {key: row[column] for key, column in (("phone", "电话"), ("endpoint", "接口地址")) if row[column]}
    for key, column in (("lat", "纬度"), ("lng", "经度")):
        if row[column]:
            body[key] = _degrees(row, column, found.faults)
    return body


def _named(row: Row, id_: str) -> list[Fault]:
    faults = []
    if not _ID.fullmatch(id_):
        faults.append(row.fault("编号", f'"{id_[:40]}" is no id', "small letters, digits, - and _"))
    if not row["名称"]:
        faults.append(row.fault("名称", "has no name"))
    return faults


def chosen(row: Row, column: str, words: Mapping[str, Any], faults: list[Fault]) -> Any:
    """The meaning of a cell that must be one of a few words."""
    said = row[column]
    if said not in words:
        faults.append(row.fault(column, f'"{said[:20]}" is not known here', " | ".join(w for w in words if w)))
        return next(iter(words.values()))
    return words[said]


def places(row: Row, column: str, areas: Areas, faults: list[Fault]) -> list[str]:
    """Areas named by code or name."""
    found = []
    for word in row.many(column):
        if id_ := areas.by_word.get(word, ""):
            found.append(id_)
            continue
        many = word in areas.by_word
        what = f'several areas are called "{word}"' if many else f'there is no area "{word}"'
        faults.append(row.fault(column, what, "its division code of 12 digits"))
    return found


def _degrees(row: Row, column: str, faults: list[Fault]) -> float:
    try:
        return float(row[column])
    except ValueError:
        faults.append(row.fault(column, f'"{row[column][:20]}" is no number', "degrees such as 27.9246"))
        return 0.0
