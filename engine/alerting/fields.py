"""Alerting room: the one table of everything a model may ask about, with its kind and its Chinese label."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of value a field holds, and so which conditions fit it."""

    TREE = "tree"
    """A dotted id; `under:` asks for a subtree."""
    CHOICE = "choice"
    LIST = "list"
    NUMBER = "number"
    HOUR = "hour"
    FLAG = "flag"
    TEXT = "text"


class Moment(StrEnum):
    """Which events a model may watch, written as `event:` in its file."""

    CALL = "call"
    ORDER = "order"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Field:
    """One name a rule author may write. `late` fields are known only once the store has answered."""

    name: str
    kind: Kind
    label: str
    moments: frozenset[Moment]
    late: bool = False
    private: bool = False
    """Left out of messages for people who only read figures."""


_CALL = frozenset({Moment.CALL})
_ORDER = frozenset({Moment.ORDER})
_ALERT = frozenset({Moment.ALERT})
_ANY = _CALL | _ORDER | _ALERT
_FOLLOW = _ORDER | _ALERT

_TABLE = (
    Field("category", Kind.TREE, "类别", _ANY),
    Field("matter", Kind.CHOICE, "事项", _CALL | _ORDER),
    Field("danger", Kind.FLAG, "危险", _CALL | _ORDER),
    Field("review", Kind.FLAG, "待人工判定", _CALL),
    Field("confidence", Kind.NUMBER, "把握", _CALL),
    Field("amount", Kind.NUMBER, "金额（元）", _CALL),
    Field("people", Kind.NUMBER, "人数", _CALL),
    Field("weapons", Kind.LIST, "器械", _CALL),
    Field("injury", Kind.FLAG, "有人受伤", _CALL),
    Field("violence", Kind.FLAG, "动手", _CALL),
    Field("threat", Kind.FLAG, "扬言威胁", _CALL),
    Field("children", Kind.FLAG, "涉及儿童", _CALL),
    Field("elderly", Kind.FLAG, "涉及老人", _CALL),
    Field("past", Kind.FLAG, "事已过去", _CALL),
    Field("channel", Kind.CHOICE, "来源", _CALL),
    Field("caller_kind", Kind.CHOICE, "来电人身份", _CALL),
    Field("caller", Kind.CHOICE, "来电人", _CALL, private=True),
    Field("text", Kind.TEXT, "文字", _CALL, private=True),
    Field("post_id", Kind.CHOICE, "报警柱", _CALL),
    Field("district", Kind.CHOICE, "区县", _ANY),
    Field("township", Kind.CHOICE, "镇街", _ANY),
    Field("community", Kind.CHOICE, "社区", _ANY),
    Field("place", Kind.CHOICE, "地点", _CALL),
    Field("place_class", Kind.CHOICE, "场所类型", _ANY),
    Field("address", Kind.CHOICE, "地址", _CALL, private=True),
    Field("spot", Kind.CHOICE, "位置", _CALL, private=True),
    Field("hour", Kind.HOUR, "时刻", _ANY),
    Field("weekday", Kind.CHOICE, "星期", _ANY),
    Field("workday", Kind.FLAG, "工作日", _ANY),
    Field("holiday", Kind.FLAG, "节假日", _ANY),
    Field("date", Kind.CHOICE, "日期", _ANY),
    Field("same_caller", Kind.NUMBER, "同一来电人此前来电", _CALL, late=True),
    Field("same_place", Kind.NUMBER, "同一地点此前来电", _CALL, late=True),
    Field("duplicate", Kind.FLAG, "重复报警", _CALL, late=True),
    Field("in_dossier", Kind.FLAG, "已有档案", _CALL | _ORDER, late=True),
    Field("handoff", Kind.CHOICE, "移交方式", _CALL | _ORDER, late=True),
    Field("body", Kind.CHOICE, "承接单位", _CALL | _FOLLOW, late=True),
    Field("grade", Kind.CHOICE, "分级", _ANY, late=True),
    Field("procedure", Kind.CHOICE, "流程", _ORDER),
    Field("state", Kind.CHOICE, "状态", _FOLLOW),
    Field("step", Kind.CHOICE, "动作", _FOLLOW),
    Field("overdue", Kind.FLAG, "超时", _ORDER),
    Field("overdue_count", Kind.NUMBER, "超时次数", _ORDER),
    Field("rung", Kind.NUMBER, "督办级数", _ORDER),
    Field("returns", Kind.NUMBER, "退回次数", _ORDER),
    Field("rejects", Kind.NUMBER, "核查不通过次数", _ORDER),
    Field("from_alert", Kind.FLAG, "由预警产生", _ORDER),
    Field("order", Kind.CHOICE, "工单", _ORDER),
    Field("dossier", Kind.CHOICE, "档案", _ORDER),
    Field("model", Kind.CHOICE, "预警模型", _ALERT),
    Field("group", Kind.CHOICE, "预警分组", _ALERT),
)

FIELDS: dict[str, Field] = {field.name: field for field in _TABLE}
"""Name → field, in the order in which the guide lists them."""

GROUPABLE: frozenset[str] = frozenset(
    field.name for field in _TABLE if field.kind in {Kind.TREE, Kind.CHOICE} and not field.late
)
"""Fields a window or a cool-down may be kept by: known before the store is asked, one value each."""


def article(moment: Moment) -> str:
    """`a call`, `an order`, `an alert`."""
    return f"a {moment}" if moment is Moment.CALL else f"an {moment}"


def is_known(name: str, moment: Moment) -> bool:
    """Whether a model watching `moment` may ask for `name` (`extra.…` is free for calls)."""
    if name.startswith("extra."):
        return moment is Moment.CALL
    field = FIELDS.get(name)
    return field is not None and moment in field.moments


def is_late(name: str, moment: Moment) -> bool:
    """Whether the field is only known in the second phase; orders and alerts carry theirs from the start."""
    field = FIELDS.get(name)
    return field is not None and field.late and moment is Moment.CALL


def label(name: str) -> str:
    """Chinese label for reasons; an `extra` field is called by its own name."""
    field = FIELDS.get(name)
    return field.label if field else name.removeprefix("extra.")
