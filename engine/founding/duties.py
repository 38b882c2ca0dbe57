"""Duty rows 职责清单 from a table; what it leaves open goes by the general rows of the starting set."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import Fault
from engine.founding.areas import Found as Areas
from engine.founding.bodies import YES, chosen, places
from engine.founding.bodies import Found as Bodies
from engine.founding.sheet import Row, read

COLUMNS = {
    "事项类别": ("类别", "事项", "category"),
    "承接单位": ("单位", "主办单位"),
    "适用辖区": ("辖区",),
    "时段": ("时间段",),
    "联动单位": ("协办单位",),
    "移交方式": ("方式",),
    "办理流程": ("流程",),
    "紧急": ("是否紧急",),
}
ROLES = {"派出所": "station", "分局": "branch", "镇街": "township", "上级": "superior"}
HANDOFFS = {
    "": "",
    "出警": "dispatch",
    "一键转接": "transfer",
    "转接": "transfer",
    "三方通话": "three_way",
    "工单": "work_order",
}
_HOURS = re.compile(r"(\d{1,2})(?:[:：]00)?\s*[-–—~至]\s*(\d{1,2})(?:[:：]00)?")


@dataclass(slots=True)
class Found:
    """What a table of duties says."""

    duties: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def duties(path: Path, areas: Areas, bodies: Bodies, words: dict[str, dict[str, str]]) -> Found:
    """Every row. `words`: `categories` and `procedures`, each a word (id or Chinese name) → id."""
    found = Found()
    for row in read(path, COLUMNS, ("事项类别", "承接单位")):
        duty: dict[str, Any] = {"categories": _ids(row, "事项类别", words["categories"], "category", found)}
        duty["bodies"] = _ids(row, "承接单位", {**bodies.by_word, **ROLES}, "body", found)
        if served := places(row, "适用辖区", areas, found.faults):
            duty["areas"] = served
        if row["时段"]:
            duty["hours"] = _hours(row, found)
        if joint := _ids(row, "联动单位", bodies.by_word, "body", found):
            duty["joint"] = joint
        if handoff := chosen(row, "移交方式", HANDOFFS, found.faults):
            duty["handoff"] = handoff
        if procedure := _ids(row, "办理流程", words["procedures"], "procedure", found):
            duty["procedure"] = procedure[0]
        if chosen(row, "紧急", YES, found.faults):
            duty["urgent"] = True
        for column, name in (("事项类别", "categories"), ("承接单位", "bodies")):
            if not row[column]:
                found.faults.append(row.fault(column, f"names no {name}"))
        found.duties.append(duty)
    return found


def _ids(row: Row, column: str, known: dict[str, str], what: str, found: Found) -> list[str]:
    ids = []
    for word in row.many(column):
        if word in known:
            ids.append(known[word])
        else:
            found.faults.append(row.fault(column, f'there is no {what} "{word}"', _near(word, known)))
    return ids


def _near(word: str, known: dict[str, str]) -> str:
    near = [each for each in known if word and (word in each or each in word)][:3]
    return " | ".join(near) or "an id or name of that table"


def _hours(row: Row, found: Found) -> list[int]:
    said = _HOURS.fullmatch(row["时段"])
    hours = [int(n) % 24 for n in said.groups()] if said and all(int(n) <= 24 for n in said.groups()) else []
    if len(hours) != 2 or hours[0] == hours[1]:
        found.faults.append(row.fault("时段", f'"{row["时段"][:20]}" is no part of a day', "such as 22-6"))
        return [0, 1]
    return hours
