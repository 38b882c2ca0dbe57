"""Orders of one dispute are counted together, whoever holds them: a model may correlate by dossier."""

from collections.abc import Callable

from engine import alerting
from engine.alerting.engine import Engine
from engine.alerting.replay import Replay
from engine.alerting.values import Facts
from engine.model.city import City
from engine.model.decision import Handoff
from engine.model.order import Order, State
from engine.model.reading import Matter
from engine.model.values import replace

AT = 1_767_578_400_000
MODEL = """
title: 同一纠纷两单超时
state: live
version: 1
author: 甲
approver: 乙
reason: 试
event: order
when: {step: overdue}
over_time: {orders: {measure: distinct, field: order, by: dossier, within: 7d, at_least: 2}}
then: {grade: orange, message: "{order}", procedure: warning_check, instruct: branch}
"""


def overdue(city: City, order_id: str, dossier: str) -> Facts:
    order = Order(
        order_id, "cj", 2, State.SIGNED, "dispute_mediation", Matter.LOCAL, "dispute.neighbour", "blue",
        Handoff.WORK_ORDER, "wc-gl-office", "wc-gl-office", (), (), "漏水", AT, ("c1",), overdue=True,
    )  # fmt: skip
    return alerting.order_facts(replace(order, dossier_id=dossier), "overdue", AT, city)


def test_two_orders_of_one_dossier_raise_it_and_two_of_two_do_not(
    load: Callable[..., alerting.ModelSet], city: City
) -> None:
    watching = Replay(Engine(load(a=MODEL), city))
    assert watching.feed(overdue(city, "O1", "D1")).raised == ()
    assert watching.feed(overdue(city, "O2", "D2")).raised == ()
    (raised,) = watching.feed(overdue(city, "O3", "D1")).raised
    assert raised.draft.grade == "orange"
