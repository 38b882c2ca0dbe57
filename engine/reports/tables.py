"""Figures as tables for a spreadsheet. Pure."""

from typing import Any

from engine.model.city import City
from engine.reports.catalogue import FIGURES
from engine.reports.export import Cell


def table_of(found: dict[str, Any], by: str, city: City) -> list[list[Cell]]:
    """One row a figure; with `by`, one row a value and figure. Shares are 0–1."""
    head: list[Cell] = [*(["分组"] if by else []), "分类", "指标", "值", "分子", "分母", "口径", "来源"]
    groups = found["groups"].items() if by else [("", found["values"])]
    return [head] + [
        [*([named(value, by, city)] if by else []), *_cells(name, row)]
        for value, rows in groups
        for name, row in rows.items()
    ]


def _cells(name: str, row: dict[str, Any]) -> list[Cell]:
    f = FIGURES[name]
    of = row["of"] if f.part else None
    return [f.group, f.name, row["value"], row["part"], of, f.meaning, f.source]


def named(value: str, by: str, city: City) -> str:
    """A value of a grouping as people say it."""
    if by == "body" and value in city.bodies:
        return city.bodies[value].name
    if by in ("district", "township") and value in city.areas:
        return city.areas[value].name
    if by == "category" and value in city.taxonomy.categories:
        return city.taxonomy.categories[value].name
    if by == "procedure" and value in city.procedures:
        return city.procedures[value].name
    if by == "grade" and value in city.grades:
        return city.grades[value].name
    return _WORDS.get(value, value)


_WORDS = {
    "police": "警务",
    "government": "政府",
    "local": "镇街",
    "city": "市级",
    "district": "区县",
    "township": "镇街",
    "dispatch": "派警",
    "transfer": "一键转接",
    "three_way": "三方通话",
    "work_order": "工单",
    "join": "并单",
    "none": "未移交",
    "": "未知",
}
