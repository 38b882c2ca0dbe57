"""One dispute, one dossier (M7, M8): two neighbours and a leak, from the first call to the closed file."""

from datetime import UTC, datetime
from typing import Any

import pytest
from running import Service, faults, until

DAY = 86_400
OFFICE = "wc-gl-office"
SHOES = "邻居老赵把鞋柜放在公共走廊，我们吵了好几次谈不拢，请来调解"
ANGRY = "楼下502的人天天上门闹，说漏水是我家弄的，扬言要打断我的腿"
AGAIN = "楼上漏水到我家又谈不拢，两家吵起来了，邻居不肯赔钱"
PLACE = {"address": "望潮区鼓澜街道月堰新村3幢502室"}
LEAK = "楼上602装修把我家天花板泡了，找他家谈不拢，邻居不肯赔"


def neighbours(service: Service, text: str = LEAK, phone: str = "13800005020", place: str = "") -> dict[str, Any]:
    where = {"address": place} if place else PLACE
    return service.answer(text, caller={"phone": phone, "name": "林晓雨"}, location=where)


def act(service: Service, dossier: str, kind: str, role: str = "officer", body: str = "", **more: Any) -> Any:
    return service.post(f"/dossiers/{dossier}/events", {"type": kind, **more}, role, body)


def file_of(service: Service, dossier: str, role: str = "officer", body: str = "") -> dict[str, Any]:
    got = service.get(f"/dossiers/{dossier}", role, body)
    assert got.status_code == 200, got.text
    found: dict[str, Any] = got.json()
    return found


def rfc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def test_both_sides_calls_go_into_one_file_whose_colour_rises(service: Service) -> None:
    first = neighbours(service)
    dossier = first["links"]["dossier_id"]
    assert first["decision"]["category"].startswith("dispute."), first
    opened = file_of(service, dossier)
    assert (opened["state"], opened["calls"], opened["grade"]) == ("open", 1, "blue")
    assert opened["parties"][0]["phone"].startswith("138")
    assert "13800005020" not in str(opened)
    assert "林晓雨" not in str(opened)
    assert service.order(first["order_id"])["dossier_id"] == dossier

    # The other side calls an hour later, in other words, and threatens: same file, a graver colour.
    service.advance(3600)
    second = neighbours(service, ANGRY, "13900006020")
    assert second["links"]["dossier_id"] == dossier
    heated = file_of(service, dossier)
    assert (heated["calls"], len(heated["parties"])) == (2, 2)
    assert heated["grade"] in ("orange", "red"), heated["grades"]
    assert [g["grade"] for g in heated["grades"]] == ["blue", heated["grade"]]
    assert set(heated["bodies"][0]) == {"id", "name"}


def test_a_file_is_closed_only_after_the_agreement_was_kept_and_a_visit_made(service: Service) -> None:
    place = "望潮区鼓澜街道浣纱公寓2幢402室"
    dossier = neighbours(service, place=place)["links"]["dossier_id"]
    refused = act(service, dossier, "close")
    assert refused.status_code == 409
    assert all(word in refused.json()["detail"] for word in ("agreement", "kept", "visit"))

    # Two mediations, step by step; the second brings an agreement with a promised act.
    body = file_of(service, dossier)["bodies"][0]["id"]
    failed = act(service, dossier, "mediation", "body", body, result="failed", by="社区调解员", note="各执一词")
    assert (failed.json()["state"], failed.json()["grade"]) == ("mediating", "yellow")
    due = rfc(service.now_ms() + 3 * DAY * 1000)
    promise = {"who": "楼上业主", "what": "重做防水并赔偿三千元", "due": due}
    agreed = act(service, dossier, "mediation", result="agreed", by="司法所", acts=[promise]).json()
    assert (agreed["state"], agreed["grade"]) == ("agreed", "blue"), "mediation calms"

    # The promise is not kept in time: its day comes, and the body hears of it.
    service.advance(3 * DAY + 60)
    until(lambda: file_of(service, dossier)["acts"][0]["late"])
    holder = visited(service, dossier, 14 * DAY)
    assert holder == OFFICE

    kept = act(service, dossier, "kept", note="赔偿已付清").json()
    assert (kept["state"], kept["grade"], kept["acts"][0]["state"]) == ("kept", "green", "kept")
    assert act(service, dossier, "call_back", result="solved").status_code == 200
    assert act(service, dossier, "close", note="已履行并回访").json()["state"] == "closed"
    told = whole_line(service, dossier)
    for what in ("dossier.opened", "dossier.graded", "dossier.mediation", "dossier.act_due", "dossier.visit_due",
                 "order.report", "dossier.visit", "dossier.kept", "dossier.close"):  # fmt: skip
        assert what in told, what

    # It flares up again months later: the same file, open again.
    service.advance(60 * DAY)
    assert neighbours(service, AGAIN, place=place)["links"]["dossier_id"] == dossier
    assert file_of(service, dossier)["state"] == "open"


def visited(service: Service, dossier: str, after: float) -> str:
    """The visit of the colour falls due and is an order; its body goes there. Answers the body."""
    service.advance(after)
    due = until(lambda: file_of(service, dossier)["visit_order"])
    order = service.order(due)
    assert (order["procedure"], order["dossier_id"]) == ("dossier_visit", dossier)
    holder: str = order["body"]["id"]
    assert dossier in service.get("/dossiers", "body", holder).text
    for step in ("sign", "arrive"):
        assert service.event(due, step, "body", holder).status_code == 200
    said = service.event(due, "report", "body", holder, note="防水已重做，双方握手", data={"result": "calm"})
    assert said.status_code == 200, said.text
    seen = file_of(service, dossier)
    assert seen["visit_order"] is None
    assert seen["visit_at"]
    assert seen["visit_list"][-1]["result"] == "calm"
    return holder


def test_the_report_of_a_mediation_order_is_written_into_the_file(service: Service) -> None:
    """The body mediates by its order; nobody writes twice."""
    found = service.answer(SHOES, caller={"phone": "13800000903"}, location={"address": "望潮区盐埠街道谷雨苑4幢"})
    dossier, order = found["links"]["dossier_id"], found["order_id"]
    if found["decision"]["review"]:
        told = {"matter": "local", "category": "dispute.neighbour", "reason": "邻里纠纷"}
        assert service.post(f"/calls/{found['call_id']}/review", told, "officer").status_code == 200
    held = service.order(order)
    assert (held["procedure"], held["dossier_id"]) == ("dispute_mediation", dossier)
    body = held["body"]["id"]
    for step in ("sign", "arrive"):
        assert service.event(order, step, "body", body).status_code == 200
    data = {"result": "agreed", "mediator": "网格员", "promised_by": "老赵", "promise": "三日内搬走鞋柜"}
    assert service.event(order, "report", "body", body, note="当场说和", data=data).status_code == 200
    seen = file_of(service, dossier)
    assert seen["state"] == "agreed"
    assert seen["mediation_list"][-1] | {"at": ""} == {
        "at": "", "by": "网格员", "result": "agreed", "note": "当场说和", "body": held["body"]["name"],
    }  # fmt: skip
    assert [(a["who"], a["what"]) for a in seen["acts"]] == [("老赵", "三日内搬走鞋柜")]


def whole_line(service: Service, dossier: str) -> list[str]:
    """What happened, after checking that it is told in order."""
    line = file_of(service, dossier)["line"]
    assert [e["at"] for e in line] == sorted(e["at"] for e in line)
    return [e["what"] for e in line]


def test_a_page_for_the_printer(service: Service) -> None:
    dossier = neighbours(service)["links"]["dossier_id"]
    act(service, dossier, "register", elements={"cause": "<b>漏水</b>", "demand": "赔偿"})
    got = service.http.get(f"/v1/dossiers/{dossier}/print", headers=service.auth("officer"))
    assert got.headers["content-type"].startswith("text/html")
    assert "矛盾纠纷档案" in got.text
    assert "&lt;b&gt;漏水" in got.text
    assert "13800005020" not in got.text
    assert "全过程记录" in got.text


def test_a_body_sees_its_own_dossiers_only_and_cannot_close_them(service: Service) -> None:
    dossier = neighbours(service)["links"]["dossier_id"]
    holder = file_of(service, dossier)["bodies"][0]["id"]
    assert dossier in service.get("/dossiers", "body", holder).text
    assert dossier not in service.get("/dossiers", "body", "qh-cx-office").text
    faults(service.get(f"/dossiers/{dossier}", "body", "qh-cx-office"), 404)
    faults(act(service, dossier, "note", "body", "qh-cx-office"), 404)
    assert "close" not in file_of(service, dossier, "body", holder)["legal"]
    refused = act(service, dossier, "merge", "body", holder, into="Dx", note="x")
    assert refused.status_code == 409
    assert refused.json()["legal"]


def test_two_files_of_one_dispute_are_merged_and_another_matter_split_off(service: Service) -> None:
    one = neighbours(service, phone="13800000701")["links"]["dossier_id"]
    other = service.answer(
        SHOES, caller={"phone": "13800000702"},
        location={"address": "望潮区听潮街道灯塔苑2幢"},
    )["links"]["dossier_id"]  # fmt: skip
    assert one != other
    merged = act(service, other, "merge", into=one, note="同一家人")
    assert merged.status_code == 200, merged.text
    assert merged.json()["merged_into"] == one
    whole = file_of(service, one)
    moved = [c["call_id"] for c in whole["call_list"] if "鞋柜" in c["text"]]
    assert moved
    assert all(o["dossier_id"] == one for o in whole["orders"])
    parted = act(service, one, "split", calls=moved, note="并错了")
    assert parted.status_code == 200, parted.text
    new = next(e["data"]["into"] for e in file_of(service, one)["line"] if e["what"] == "dossier.split")
    assert [c["call_id"] for c in file_of(service, new)["call_list"]] == moved
    assert file_of(service, new)["split_from"] == one
    assert moved[0] not in str(file_of(service, one)["call_ids"])


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ({"type": "mediation"}, "result"),
        ({"type": "mediation", "result": "calm"}, "agreed | failed | partly"),
        ({"type": "merge", "note": "x"}, "into"),
        ({"type": "split", "note": "x"}, "calls"),
        ({"type": "grade", "grade": "yellow"}, "note"),
        ({"type": "register", "elements": {"colour": "x"}}, "cause"),
        ({"type": "grade", "grade": "purple", "note": "x"}, "red"),
    ],
)
def test_an_event_without_what_it_needs_is_told_what(service: Service, event: dict[str, Any], where: str) -> None:
    dossier = neighbours(service)["links"]["dossier_id"]
    got = service.post(f"/dossiers/{dossier}/events", event, "officer")
    faults(got, 422)
    assert where in got.text


def test_the_same_idempotency_key_is_one_event(service: Service) -> None:
    dossier = neighbours(service)["links"]["dossier_id"]
    key = {"idempotency-key": "once-1"}
    for _ in range(2):
        path, value = f"/dossiers/{dossier}/events", {"type": "visit", "result": "calm", "note": "去过"}
        got = service.post(path, value, headers=key)
        assert got.status_code == 200
    assert len([v for v in file_of(service, dossier)["visit_list"] if v["note"] == "去过"]) == 1
