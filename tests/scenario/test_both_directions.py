"""The 110–12345 link in both directions (DOMAIN M2), with a work-order system whose interface is another one."""

from typing import Any

import httpx
import pytest
from loop_at_work import WorkOrders
from running import Service, until

pytestmark = pytest.mark.timeout(600)


def callback(url: str, order: str, status: str, token: str = "callback-of-12345", **more: Any) -> httpx.Response:
    told = {"sourceNo": order, "status": status, "flowId": f"{order}-{status}", **more}
    return httpx.post(f"{url}/callback", json=told, headers={"x-callback-token": token}, trust_env=False, timeout=20)


def test_a_government_matter_goes_to_12345_and_its_receipt_progress_and_result_come_back(
    hall: Service, platform: WorkOrders, connector: str
) -> None:
    said = "我住鼓澜街道月堰新村，想给市里提个建议，把市歌的词重新写一遍"
    answer = hall.answer(said, caller={"phone": "13800000021"})
    order = answer["order_id"]
    assert (answer["decision"]["body"]["id"], answer["decision"]["handoff"]) == ("hot-12345", "work_order")
    created = until(lambda: platform.got("/api/gd/create", order), 30)[0]
    assert created["content"] == said
    assert created["callerPhone"] == "13800000021", "clear contact to the body that must act"
    assert (created["urgent"], created["region"]) == (4, "wc-gl")

    assert callback(connector, order, "已受理").status_code == 200
    assert callback(connector, order, "处理中", opinion="已转宣传部门", percent=40).status_code == 200
    assert callback(connector, order, "已办结", opinion="已列入明年计划", result="done").status_code == 200
    again = callback(connector, order, "已办结", opinion="已列入明年计划", result="done")
    assert again.status_code == 200, "the same callback twice is one event"
    found = hall.order(order)
    assert (found["state"], found["result"]) == ("reported", "已列入明年计划")
    told = [(e["what"], e["text"]) for e in found["line"] if e["what"] in ("order.sign", "order.note", "order.report")]
    assert told == [("order.sign", ""), ("order.note", "已转宣传部门"), ("order.report", "已列入明年计划")]
    assert [e["data"].get("progress") for e in found["line"] if e["what"] == "order.note"] == [40]


def test_the_connector_believes_nobody_without_a_secret(hall: Service, connector: str) -> None:
    assert callback(connector, "O1", "已受理", token="wrong").status_code == 401
    assert callback(connector, "O1", "没有的状态").status_code == 422
    assert callback(connector, "../tokens", "已受理").status_code == 422
    assert callback(connector, "O1", "已受理").status_code == 404, "what the service says is passed on"
    assert httpx.post(f"{connector}/fenliu", json={"type": "order.sent"}, trust_env=False).status_code == 401


def test_12345_hands_a_police_matter_back_by_the_same_webhook(hall: Service) -> None:
    """A suggestion turns out to be a threat: 12345 names the first order, police take it, both lines say so."""
    first = hall.answer("建议给盐埠街道白埕苑装充电桩", caller={"phone": "13800000022"})
    back = hall.answer(
        "市民反映盐埠街道白埕苑有人拿刀威胁装充电桩的人",
        channel="12345",
        caller={"phone": "13800000022"},
        extra={"refers_to": first["order_id"]},
    )
    assert (back["decision"]["handoff"], back["decision"]["body"]["id"]) == ("dispatch", "wc-yb-station")
    assert back["links"]["same_caller"] == 1
    assert "handed_back" in {r["code"] for r in back["decision"]["reasons"]}
    line = hall.order(first["order_id"])["line"]
    assert any(e["what"] == "order.handed_back" and back["order_id"] in e["text"] for e in line)


def test_what_12345_hands_back_does_not_bounce_to_12345(hall: Service) -> None:
    first = hall.answer("建议给新渡街道渡口花苑装充电桩")
    back = hall.answer("建议给新渡街道渡口花苑门口装充电桩", channel="12345", extra={"refers_to": first["call_id"]})
    assert (back["decision"]["review"], back["decision"]["body"]["id"]) == (True, "cmd-110")
    assert "handed_back_doubtful" in {r["code"] for r in back["decision"]["reasons"]}
