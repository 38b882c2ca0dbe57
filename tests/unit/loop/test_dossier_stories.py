"""Stories of dossiers that random runs told first, told plainly."""

from errands import DAY, T0

from engine.loop import Filing, act_on, due_dossier, file_call, follow
from engine.model.change import Change
from engine.model.city import City
from engine.model.dossier import DisputeCall, Dossier, DossierAct, DossierEvent
from engine.model.order import Actor, Event, OrderEvent, State
from engine.model.reading import Place
from engine.model.values import replace

HERE = Place(district="wc", township="wc-gl", community="wc-gl-1")


def opened(city: City) -> Dossier:
    call = DisputeCall("C1", T0, "楼上漏水吵起来了", "dispute.neighbour", "h1")
    return file_call(Filing(call, "D1", call.category, HERE, None), "O1", "wc-gl-station", city, T0).dossiers[0]


def test_a_visit_that_is_cancelled_leaves_a_line_and_the_next_visit(city: City) -> None:
    later = T0 + 60 * DAY
    due = due_dossier(opened(city), city, later)
    dossier, order = due.dossiers[0], due.orders[0]
    cancelled = replace(order, version=order.version + 1, state=State.CANCELLED, due=None, alarm_at=None)
    change = follow(dossier, cancelled, None, city, later + DAY)
    (after,), (line,) = change.dossiers, change.log
    assert after.visit_at is not None
    assert (line.what, line.data["version"], line.data["order_id"]) == ("dossier.followed", 3, order.order_id)
    assert line.text.startswith("回访指令已结束，下次回访 2026-")


def test_a_visit_reported_after_the_file_was_closed_is_not_lost(city: City) -> None:
    later = T0 + 60 * DAY
    due = due_dossier(opened(city), city, later)
    dossier, order = due.dossiers[0], due.orders[0]
    for kind in (DossierEvent.AGREEMENT, DossierEvent.KEPT, DossierEvent.VISIT, DossierEvent.CLOSE):
        dossier = act_on(dossier, DossierAct(kind, later, Actor.OFFICER, "officer"), city, later).dossiers[0]
    assert dossier.visit_order == order.order_id, "somebody is still on the way"
    report = OrderEvent(Event.REPORT, later + DAY, Actor.BODY, "村", "又吵起来了", {"result": "tense"})
    change = follow(dossier, order, report, city, later + DAY)
    (line,) = change.log
    assert (line.what, line.text, line.data["result"]) == ("dossier.note", "结案后上门回访：又吵起来了", "tense")
    assert not change.dossiers[0].is_open


def test_a_new_holder_of_an_order_stands_in_the_line_of_its_dossier(city: City) -> None:
    dossier = opened(city)
    order = replace(due_dossier(dossier, city, T0 + 60 * DAY).orders[0], order_id="O1", body_id="wc-branch")
    change = follow(dossier, order, None, city, T0 + DAY)
    assert [line.text for line in change.log] == [f"{city.bodies['wc-branch'].name}参与办理"]
    assert follow(change.dossiers[0], order, None, city, T0 + DAY) == Change(), "told once"
