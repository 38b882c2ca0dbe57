"""Reconciliation: a clean run has no finding, and each thing that can go wrong is named."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from engine.model.values import replace
from load_tests.calls import SampleCall
from load_tests.reconcile import KINDS, reconcile
from load_tests.report import report_of
from load_tests.seen import Seen
from load_tests.sender import Sent


def line(what: str, **data: Any) -> dict[str, Any]:
    return {"at": "2026-11-22T10:00:00.000+08:00", "what": what, "who": "fenliu", "text": "", "data": data}


def answer_of(call_id: str, order_id: str, handoff: str = "dispatch") -> dict[str, Any]:
    decision = {"matter": "police", "handoff": handoff, "review": False, "danger": True, "body": {"id": "station"}}
    return {"call_id": call_id, "order_id": order_id, "decision": decision, "alerts": []}


def message(webhook_id: str, kind: str, version: int, body: str = "station") -> dict[str, Any]:
    sent = {"webhook_id": webhook_id, "type": kind, "version": version, "body": body, "subject": "O1"}
    return sent | {"holder": body, "tries": 1, "accepted": 1, "changed": False, "persona": "prompt"}


def clean_run() -> Seen:
    """Two calls about one thing: one order, sent, joined, overdue once, closed."""
    call = SampleCall("有人打架", "110", 0.0)
    sent = [
        Sent(call, "w1", "{}", answer_of("C1", "O1")),
        Sent(replace(call, number=1), "w2", "{}", answer_of("C2", "O1", "join")),
    ]
    order = {
        "order_id": "O1",
        "procedure": "police_dispatch",
        "state": "closed",
        "alert_id": None,
        "call_ids": ["C1", "C2"],
        "body": {"id": "station"},
        "due": None,
        "handoff": "dispatch",
        "line": [
            line("order.sent", version=1, to="station"),
            line("message.delivered", message_id="m1"),
            line("order.joined", version=2),
            line("order.overdue", version=3),
            line("message.delivered", message_id="m2"),
            line("order.closed", version=6),
        ],
    }
    return Seen(
        sent=sent,
        repeated=[(sent[0], copy.deepcopy(sent[0].answer))],
        calls={s.answer["call_id"]: {"answer": copy.deepcopy(s.answer)} for s in sent},
        orders=[order],
        alerts=[],
        messages=[message("m1", "order.sent", 1), message("m2", "order.overdue", 3)],
        queues={"outbox": 0, "retry": 0, "dead": 0, "pending": 0, "alarms": 0},
    )


def test_a_clean_run_has_no_finding():
    assert reconcile(clean_run()) == []


def lose_answer(seen: Seen) -> None:
    seen.calls["C2"]["answer"] = None


def refuse_call(seen: Seen) -> None:
    seen.sent[1].answer, seen.sent[1].refusal = {}, "HTTP 503"
    seen.orders[0]["call_ids"] = ["C1"]


def forget_joined_call(seen: Seen) -> None:
    seen.orders[0]["call_ids"] = ["C1"]


def answer_otherwise(seen: Seen) -> None:
    seen.repeated[0][1]["order_id"] = "O2"


def store_another_answer(seen: Seen) -> None:
    seen.calls["C1"]["answer"]["order_id"] = "O7"


def one_call_for_two(seen: Seen) -> None:
    seen.sent[1].answer["call_id"] = "C1"
    seen.orders[0]["call_ids"] = ["C1"]


def second_order(seen: Seen) -> None:
    seen.orders.append(copy.deepcopy(seen.orders[0]) | {"order_id": "O9", "call_ids": ["C1"], "line": []})


def still_open(seen: Seen) -> None:
    seen.orders[0]["state"] = "signed"


def waiting_alert(seen: Seen) -> None:
    alert = {"alert_id": "A1", "state": "review", "model": "runaway", "reviewer": None, "order_id": None, "line": []}
    seen.alerts.append(alert)


def told_alert_is_gone(seen: Seen) -> None:
    seen.sent[0].answer["alerts"] = [{"alert_id": "A1"}]
    seen.calls["C1"]["answer"]["alerts"] = [{"alert_id": "A1"}]
    seen.repeated.clear()


def never_arrived(seen: Seen) -> None:
    del seen.messages[0]


def sent_twice(seen: Seen) -> None:
    seen.messages.append(message("m3", "order.sent", 1))
    seen.orders[0]["line"].append(line("message.delivered", message_id="m3"))


def delivered_unsaid(seen: Seen) -> None:
    del seen.orders[0]["line"][4]


def changed_between_tries(seen: Seen) -> None:
    seen.messages[0]["changed"] = True


def another_bodys_order(seen: Seen) -> None:
    seen.messages[0]["holder"] = "office"


def first_sent_elsewhere(seen: Seen) -> None:
    seen.orders[0]["line"][0]["data"]["to"] = "office"
    seen.messages[0]["body"] = seen.messages[0]["holder"] = "office"


def nobody_was_reminded(seen: Seen) -> None:
    del seen.messages[1], seen.orders[0]["line"][4]


def line_goes_back(seen: Seen) -> None:
    seen.orders[0]["line"][2]["data"]["version"] = 5


def stuck_message(seen: Seen) -> None:
    seen.queues["retry"] = 1


def unbelieved_message(seen: Seen) -> None:
    seen.unbelieved["webhook-signature does not fit"] = 2


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lose_answer, "lost"),
        (refuse_call, "lost"),
        (forget_joined_call, "lost"),
        (answer_otherwise, "doubled"),
        (store_another_answer, "unlike"),
        (one_call_for_two, "lost"),
        (second_order, "doubled"),
        (still_open, "stuck"),
        (waiting_alert, "stuck"),
        (told_alert_is_gone, "lost"),
        (never_arrived, "lost"),
        (sent_twice, "doubled"),
        (delivered_unsaid, "unlike"),
        (changed_between_tries, "unlike"),
        (another_bodys_order, "wrong_body"),
        (first_sent_elsewhere, "wrong_body"),
        (nobody_was_reminded, "lost"),
        (line_goes_back, "out_of_order"),
        (stuck_message, "stuck"),
        (unbelieved_message, "unbelieved"),
    ],
)
def test_what_went_wrong_is_named(spoil: Callable[[Seen], None], kind: str):
    seen = clean_run()
    seen = replace(seen, unbelieved={})
    spoil(seen)
    assert kind in {finding.kind for finding in reconcile(seen)}
    assert not report_of(seen)["ok"]


def test_a_dead_bodys_messages_are_named_and_no_finding():
    seen = clean_run()
    dead = message("m9", "order.reminder", 2) | {"accepted": 0, "tries": 7, "persona": "dead"}
    seen.messages.append(dead)
    seen.queues["retry"] = 1
    assert reconcile(seen) == []
    assert report_of(seen)["messages"]["never_taken"] == 1


def test_a_run_without_every_kind_is_not_ok_though_it_adds_up():
    report = report_of(clean_run())
    assert report["reconciliation"] == dict.fromkeys(KINDS, 0)
    assert not report["ok"]
    assert "handoff_three_way" in report["missing"]
    assert report["happened"]["duplicate_joined"]


def test_a_decision_beyond_doubt_that_came_out_otherwise_is_told():
    seen = clean_run()
    seen.sent[0] = replace(seen.sent[0], call=replace(seen.sent[0].call, expect={"matter": "local"}))
    assert [u["is"] for u in report_of(seen)["against_expectation"]] == ["police"]


def test_a_patrol_that_an_alert_proposed_is_no_order_too_many() -> None:
    seen = clean_run()
    patrol = copy.deepcopy(seen.orders[0]) | {"order_id": "OPA1", "call_ids": [], "line": []}
    alert = {"alert_id": "A1", "order_id": "", "state": "checked", "line": [line("alert.patrol", order_id="OPA1")]}
    assert [f.subject for f in reconcile(replace(seen, orders=[*seen.orders, patrol]))] == ["OPA1"]
    assert reconcile(replace(seen, orders=[*seen.orders, patrol], alerts=[alert])) == []
