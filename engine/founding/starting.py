"""The starting set: a nameless district with two towns, the bodies every city has, and general duty rows.

The general rows stand behind a city's own: police matters to the station of the place, disputes to the town or street
(at night to the station), what belongs to a department to the government line until the city says which department.
"""

from typing import Any

from engine.founding.areas import Found as Areas
from engine.founding.bodies import Found as Bodies

_DESK = ("police_complaint", "police_service")
_LOCAL = "local"
_DISPUTE = "dispute"
_URGENT = {"utilities": "urgent_repair"}
_JOINT = ("help", "hazard")
_TOWNS = (("d1-a", "甲街道", "甲派出所", "甲街道办事处"), ("d1-b", "乙镇", "乙派出所", "乙镇人民政府"))


def areas() -> Areas:
    """One district, two townships; names to be replaced."""
    towns = [{"id": id_, "name": name} for id_, name, _, _ in _TOWNS]
    words = {"d1": "d1", "中心区": "d1"} | {word: t["id"] for t in towns for word in (t["id"], t["name"])}
    tiers = {"d1": "district"} | {t["id"]: "township" for t in towns}
    return Areas("", [{"id": "d1", "name": "中心区", "townships": towns}], words, tiers)


def bodies(ours: Areas) -> Bodies:
    """Command centre, the lines called in jointly, one branch and station, the government line, its centre and offices.

    With a city's own areas: a branch and a centre for each district, a station and an office for each town or street.
    """
    made = [
        _body("cmd-leader", "值班领导", "city", "command"),
        _body("cmd-110", "110 报警服务台", "city", "command", parent="cmd-leader", live_transfer=True, phone="110"),
    ]
    for number, name in (("119", "消防救援"), ("120", "急救中心"), ("122", "交通事故报警台")):
        made.append(_body(f"er-{number}", f"{number} {name}", "city", "emergency", parent="cmd-leader",
                          live_transfer=True, phone=number))  # fmt: skip
    made.append(_body("hot-12345", "12345 热线", "city", "hotline", live_transfer=True, phone="12345"))
    for district in ours.districts:
        id_, name = district["id"], district["name"]
        made.append(_body(f"{id_}-branch", f"{name}公安分局", "district", "police", parent="cmd-110", areas=[id_]))
        made.append(
            _body(f"{id_}-centre", f"{name}社会治理中心", "district", "hotline", parent="hot-12345", areas=[id_])
        )
        for town in district.get("townships", []):
            made += _town(town, id_)
    ordered = sorted(made, key=lambda b: b["id"] == "cmd-leader")  # the receiver of calls before its leader
    return Bodies(ordered, {word: b["id"] for b in made for word in (b["id"], b["name"])})


def _town(town: dict[str, Any], district: str) -> list[dict[str, Any]]:
    id_, name = town["id"], town["name"]
    station, office = next(((s, o) for i, _, s, o in _TOWNS if i == id_), (f"{name}派出所", f"{name}政府办公室"))
    return [
        _body(f"{id_}-station", station, "township", "police", parent=f"{district}-branch", areas=[id_]),
        _body(f"{id_}-office", office, "township", "township", parent=f"{district}-centre", areas=[id_]),
    ]


def _body(id_: str, name: str, tier: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": name, "tier": tier, "kind": kind, **more}


def duties(taxonomy: dict[str, Any], command: str, hotline: str, emergency: list[str]) -> list[dict[str, Any]]:
    """General rows: every category has a body, at every place and hour."""
    rows: list[dict[str, Any]] = []
    if theirs := _departments(taxonomy):
        rows.append({"categories": theirs, "bodies": [hotline], "procedure": "dispute_mediation"})
    for group in taxonomy["groups"]:
        id_ = group["id"]
        for categories in _halves(group):
            rows += _rows(id_, categories, group.get("matter", "government"), command, hotline, emergency)
    return rows


def _departments(taxonomy: dict[str, Any]) -> list[str]:
    """Disputes that are a department's matter when no sign speaks: never pushed down to a street office."""
    plain = [row for row in taxonomy["matter_table"] if not row.get("signs")]
    named = [row["category"] for row in plain if row["matter"] == "government" and row.get("category")]
    return [category for category in named if category.startswith(f"{_DISPUTE}.")]


def _halves(group: dict[str, Any]) -> list[list[str]]:
    """The group as one subtree, where its categories' ids begin with it; else one by one."""
    ids = [c["id"] for c in group["categories"]]
    return [[group["id"]]] if all(i.startswith(group["id"] + ".") for i in ids) else [[i] for i in ids]


def _rows(
    group: str, categories: list[str], matter: str, command: str, hotline: str, emergency: list[str]
) -> list[dict[str, Any]]:
    if group in _DESK:
        return [{"categories": categories, "bodies": [command], "handoff": "work_order", "procedure": "work_order"}]
    if group == _DISPUTE:
        night = {"categories": categories, "bodies": ["station", "township", "branch", hotline], "hours": [22, 6]}
        day = {"categories": categories, "bodies": ["township", "station", "branch", hotline]}
        return [night | {"procedure": "dispute_mediation"}, day | {"procedure": "dispute_mediation"}]
    if group == _LOCAL:
        return [{"categories": categories, "bodies": ["township", "station", "branch", hotline],
                 "procedure": "township_handling"}]  # fmt: skip
    if matter == "police":
        joint = {"joint": emergency} if group in _JOINT and emergency else {}
        return [{"categories": categories, "bodies": ["station", "branch", command], "handoff": "dispatch",
                 "procedure": "police_dispatch", **joint}]  # fmt: skip
    urgent = {"urgent": True} if group in _URGENT else {}
    return [{"categories": categories, "bodies": [hotline], "procedure": _URGENT.get(group, "work_order"), **urgent}]


def category_words(taxonomy: dict[str, Any]) -> dict[str, str]:
    """Ids and Chinese names of groups and categories → id; a name that two have stands for neither."""
    words: dict[str, str] = {}
    doubled: set[str] = set()
    for group in taxonomy["groups"]:
        for each in (group, *group["categories"]):
            if words.setdefault(each["name"], each["id"]) != each["id"]:
                doubled.add(each["name"])
            words[each["id"]] = each["id"]
    return {word: id_ for word, id_ in words.items() if word not in doubled}
