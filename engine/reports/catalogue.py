"""The catalogue of figures: each one's definition, source and SQL, in one place. Pure.

A figure counts rows of one view (`calls`, `orders`, `alerts`; columns in facts.py). A share is `part` of `of`; a plain
number has no `part`. `when` says which rows belong to the range [$start, $end): a call by its receipt, an order by its
opening, an alert by its raising, unless the figure says otherwise. Because every figure is two conditions, the same
definition gives its value, its value by body or day, and the list of records behind it.
"""

from dataclasses import dataclass

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
IN_RANGE = '"at" >= $start AND "at" < $end'


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure."""

    id: str
    name: str
    """Chinese, as people read it."""
    kind: str
    """`call` | `order` | `alert`."""
    meaning: str
    """Chinese: what is counted, so that nobody has to guess."""
    of: str = "true"
    part: str = ""
    when: str = IN_RANGE
    group: str = ""
    """Chinese heading under which it stands."""
    target: float | None = None
    """A published value to be compared with, and where it was published."""
    source: str = ""


RECEIVED, HANDED, STAGES = "接报与分流", "签收与办理", "环节用时"
RATES, ALERTS, SURE, LEDGER = "响应、解决、满意", "预警", "分类把握", "三本账"

_CALLS = (
    Figure("received", "接报", "call", "时段内收到的全部来电", group=LEDGER, source="DOMAIN M13"),
    Figure(
        "settled",
        "办结",
        "order",
        "时段内办结、撤销或并单的工单（不论何时开出）",
        when="closed >= $start AND closed < $end",
        group=LEDGER,
        source="DOMAIN M13",
    ),
    Figure(
        "open",
        "在办",
        "order",
        "时段结束时仍未办结的工单（不论何时开出）",
        when='"at" < $end AND (closed IS NULL OR closed >= $end)',
        group=LEDGER,
        source="DOMAIN M13",
    ),
    Figure(
        "non_police_share",
        "非警务占比",
        "call",
        "判为政府或镇街事项的来电 ÷ 全部来电",
        part="matter <> 'police'",
        group=RECEIVED,
        source="一市三年 56–60 %",
    ),
    Figure(
        "diversion_rate",
        "分流率",
        "call",
        "未经人工研判即移交出去的非警务来电 ÷ 全部非警务来电",
        of="matter <> 'police'",
        part="handoff <> 'none' AND NOT review",
        group=RECEIVED,
        target=0.52,
        source="杭州 52 %",
    ),
    Figure("joined_share", "并单占比", "call", "重复报警并入已有工单的来电 ÷ 全部来电", part="joined", group=RECEIVED),
    Figure("danger_share", "危险警情占比", "call", "判为危险的来电 ÷ 全部来电", part="danger", group=RECEIVED),
    Figure("review_share", "人工研判占比", "call", "需人工研判的来电 ÷ 全部来电", part="review", group=SURE),
    *(
        Figure(
            f"certain_{bound}",
            f"把握 ≥ {bound} %",
            "call",
            f"分类把握不低于 {bound} % 的来电 ÷ 全部来电",
            part=f"confidence >= {bound / 100}",
            group=SURE,
        )
        for bound in (95, 90, 80, 50)
    ),
    Figure(
        "overturned_matter",
        "事项被改判",
        "call",
        "最终事项（警务、政府、镇街）与自动判断不同的来电 ÷ 自开工单的来电",
        of="final_matter <> ''",
        part="final_matter <> matter",
        group=SURE,
    ),
    Figure(
        "overturned_category",
        "类别被改判",
        "call",
        "最终类别与自动判断不同的来电 ÷ 自开工单的来电",
        of="final_category <> ''",
        part="final_category <> category",
        group=SURE,
    ),
)


def _bounds(
    stem: str, name: str, column: str, what: str, bounds: tuple[tuple[str, int], ...], source: str
) -> list[Figure]:
    return [
        Figure(
            f"{stem}_{ms // 1000}s",
            f"{name} ≤ {said}",
            "order",
            f"{what}不超过 {said} 的工单 ÷ 已有该用时的工单",
            of=f"{column} IS NOT NULL",
            part=f"{column} <= {ms}",
            group=STAGES,
            source=source,
        )
        for said, ms in bounds
    ]


_S, _M, _H = 1000, MINUTE_MS, HOUR_MS
_STAGES = (
    *_bounds(
        "sign",
        "签收",
        "sign_ms",
        "从首次派出到首次签收",
        (("30 秒", 30 * _S), ("60 秒", 60 * _S), ("120 秒", 120 * _S), ("180 秒", 180 * _S)),
        "一市每周公布：30 秒内 98.9 %",
    ),
    *_bounds(
        "arrive",
        "到场",
        "arrive_ms",
        "从首次签收到首次到场",
        (("5 分钟", 5 * _M), ("10 分钟", 10 * _M), ("15 分钟", 15 * _M), ("30 分钟", 30 * _M)),
        "一市每周公布：5 分钟内 70.7 %",
    ),
    *_bounds(
        "report",
        "反馈",
        "report_ms",
        "从首次到场（不需到场的从签收）到首次反馈",
        (("30 分钟", 30 * _M), ("1 小时", _H), ("2 小时", 2 * _H), ("4 小时", 4 * _H)),
        "一市每周公布：30 分钟内 35 %",
    ),
)

_ORDERS = (
    Figure("orders", "工单", "order", "时段内开出的工单", group=HANDED),
    Figure(
        "return_rate",
        "退回率",
        "order",
        "被退回过的工单 ÷ 已派出的工单",
        of="sent IS NOT NULL",
        part="returns > 0",
        group=HANDED,
    ),
    Figure("overdue_rate", "超时率", "order", "有过超时环节的工单 ÷ 全部工单", part="overdue > 0", group=HANDED),
    Figure(
        "reject_rate",
        "核查退办率",
        "order",
        "核查不通过、重办过的工单 ÷ 已反馈的工单",
        of="reported IS NOT NULL",
        part="rejects > 0",
        group=HANDED,
    ),
    Figure(
        "response_rate",
        "响应率",
        "order",
        "已签收的工单 ÷ 已派出的工单",
        of="sent IS NOT NULL",
        part="signed IS NOT NULL",
        group=RATES,
        source="三率公布口径",
    ),
    Figure(
        "on_time_sign",
        "按时签收率",
        "order",
        "签收环节未超时的工单 ÷ 已签收的工单",
        of="signed IS NOT NULL",
        part="NOT sign_late",
        group=RATES,
    ),
    Figure(
        "solution_rate",
        "解决率",
        "order",
        "回访时说已解决的工单 ÷ 回访时作答的工单（以最后一次回访为准）",
        of="solved IS NOT NULL",
        part="solved",
        group=RATES,
        target=0.967,
        source="北京 96.7 %",
    ),
    Figure(
        "satisfaction_rate",
        "满意率",
        "order",
        "回访时说满意的工单 ÷ 回访时作答的工单（以最后一次回访为准）",
        of="satisfied IS NOT NULL",
        part="satisfied",
        group=RATES,
        target=0.97,
        source="北京 97 %",
    ),
    Figure(
        "call_back_rate",
        "回访率",
        "order",
        "回访过的工单 ÷ 应回访且已核查或办结的工单",
        of="state IN ('verified', 'closed') AND call_back_due",
        part="called_back",
        group=RATES,
        target=1.0,
        source="一纠纷一档案各地公布 100 %",
    ),
    Figure(
        "dispute_resolution",
        "纠纷化解率",
        "order",
        "已办结且回访未说没解决的纠纷 ÷ 全部纠纷",
        of="dispute",
        part="state = 'closed' AND solved IS NOT FALSE",
        group=RATES,
        target=0.96,
        source="各地公布 96–99.7 %",
    ),
)

_LIVE = "state NOT IN ('shadow', 'inhibited')"
_WARNINGS = (
    Figure("alerts", "预警", "alert", "时段内触发的预警（不含试运行和被更高预警覆盖的）", of=_LIVE, group=ALERTS),
    Figure(
        "issued_rate",
        "指令下达",
        "alert",
        "已下达指令的预警 ÷ 全部预警",
        of=_LIVE,
        part="issued IS NOT NULL",
        group=ALERTS,
        source="一市一年下达 39,000 条",
    ),
    Figure(
        "precision",
        "预警准确率",
        "alert",
        "研判属实的预警 ÷ 有研判结论的预警",
        of=f"{_LIVE} AND verdict <> ''",
        part="verdict = 'confirm'",
        group=ALERTS,
    ),
    Figure(
        "checked_rate",
        "核查反馈率",
        "alert",
        "已核查反馈的预警 ÷ 已下达指令的预警",
        of=f"{_LIVE} AND issued IS NOT NULL",
        part="state = 'checked'",
        group=ALERTS,
    ),
    *(
        Figure(
            f"visit_{minutes}m",
            f"见面 ≤ {minutes} 分钟",
            "alert",
            f"从下达指令到到场（不需到场的到反馈）不超过 {minutes} 分钟的预警 ÷ 已见面的预警",
            of=f"{_LIVE} AND visit_ms IS NOT NULL",
            part=f"visit_ms <= {minutes * MINUTE_MS}",
            group=ALERTS,
            source="杭州：诈骗受害人 5 分钟内见面" if minutes == 5 else "",
        )
        for minutes in (5, 10, 15, 30)
    ),
    Figure(
        "shadow", "试运行触发", "alert", "试运行模型触发的次数（不通知任何人）", of="state = 'shadow'", group=ALERTS
    ),
)

FIGURES: dict[str, Figure] = {f.id: f for f in (*_CALLS, *_ORDERS, *_STAGES, *_WARNINGS)}
GROUPS = (LEDGER, RECEIVED, HANDED, RATES, STAGES, ALERTS, SURE)

BY: dict[str, dict[str, str]] = {
    "day": {"call": "day", "order": "day", "alert": "day"},
    "tier": {"call": "tier", "order": "tier"},
    "body": {"call": "body", "order": "body", "alert": "body"},
    "district": {"call": "district", "order": "district", "alert": "district"},
    "township": {"call": "township", "order": "township", "alert": "township"},
    "matter": {"call": "matter", "order": "matter"},
    "category": {"call": "category", "order": "category"},
    "handoff": {"call": "handoff"},
    "channel": {"call": "channel"},
    "procedure": {"order": "procedure"},
    "grade": {"order": "grade", "alert": "grade"},
    "model": {"alert": "model"},
}
"""What a figure can be taken apart by: name → kind of record → column."""
