"""Console room: the city's own words for the model editor's completion, beside what the JSON Schema says. Pure."""

from typing import Any

from engine.alerting import ModelSet
from engine.alerting.fields import FIELDS, GROUPABLE
from engine.model.city import City

_ROLES = {"station": "派出所", "branch": "分局", "township": "镇街", "command": "指挥中心"}
_MATTERS = {"police": "警务", "government": "12345", "local": "镇街"}
_KEYS = {
    "title": "标题", "about": "说明", "state": "状态", "version": "版本", "author": "作者", "reason": "这一版的理由",
    "family": "类型", "event": "看什么事件", "schedule": "何时清醒", "when": "条件", "over_time": "一段时间内",
    "with_alerts": "与其他模型同时", "inhibits": "使其安静", "group_by": "按什么分组", "cool_down": "不重复的时间",
    "repeat": "是否再提醒", "then": "触发后", "expected": "预计多少", "tests": "测试", "grade": "等级", "rises": "升级",
    "message": "预警文字", "procedure": "办理程序", "instruct": "指令发给", "review": "二次研判", "letter": "提示函",
    "patrol": "巡逻建议", "any": "任一", "all": "全部", "none": "都不", "any_of": "其中之一", "none_of": "都不是",
    "all_of": "全部都有", "under": "其下各类", "at_least": "至少", "at_most": "至多",
    "within": "多久之内", "known": "是否知道",
    "events": "来电", "expect": "应当", "name": "名称", "says": "文字含有", "after": "第几条之后", "at": "时刻",
    "draft": "草稿", "shadow": "影子", "live": "运行", "retired": "停用", "person": "由人研判", "call": "来电",
    "order": "工单", "alert": "预警", "on_rise": "升级时", "never": "不再",
}  # fmt: skip


def words_of(city: City, models: ModelSet) -> dict[str, Any]:
    """`lists`: key of the file → (word, Chinese name) that fit its value; `labels`: word → Chinese."""
    categories = [(c.id, c.name) for c in city.taxonomy.categories.values()]
    groups = sorted({c.id.rpartition(".")[0] for c in city.taxonomy.categories.values()} - {""})
    grades = [(g.id, g.name) for g in sorted(city.grades.values(), key=lambda g: g.rank)]
    told = [*_ROLES.items(), *((b.id, b.name) for b in city.bodies.values())]
    areas = [(a.id, a.name) for a in city.areas.values()]
    known = [(m, f.title) for m, f in models.files.items()]
    fields = [(name, FIELDS[name].label) for name in FIELDS if name in GROUPABLE]
    lists = {
        "category": categories, "under": [(g, "") for g in groups] + categories, "grade": grades, "to": grades,
        "procedure": [(p.id, p.name) for p in city.procedures.values()], "instruct": told, "body": told,
        "district": areas, "township": areas, "community": areas, "matter": list(_MATTERS.items()),
        "with_alerts": known, "with_alert": known, "with_models": known, "inhibits": known,
        "by": fields, "group_by": fields, "field": fields,
    }  # fmt: skip
    return {"lists": lists, "labels": {name: field.label for name, field in FIELDS.items()} | _KEYS}
