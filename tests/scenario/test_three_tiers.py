"""Stories of the loop against the real service: three tiers, one-three-five minutes, supervision."""

import pytest
from loop_at_work import Bodies
from running import Service, until

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("connector")]
RAIL = {"lat": 28.05761, "lng": 122.3282}
"""The railway station: a one-minute circle, with a rapid-response point beside it."""


def test_one_three_five_minutes(hall: Service, bodies: Bodies) -> None:
    """A fight at the railway station: the point next to it goes within its minute; silent, it is relieved."""
    answer = hall.answer("高铁站出站口有两个人打起来了", location=RAIL)
    order = answer["order_id"]
    why = next(r["text"] for r in answer["decision"]["reasons"] if r["code"] == "nearest_unit")
    assert "高铁站快反点" in why
    assert "1 分钟快反圈" in why
    sent = bodies.wait("wc-xd-station", "order.sent", order)
    assert sent["data"]["unit"]["id"] == "fast-station-rail"
    points = {u["unit_id"]: u for u in hall.get("/units").json()["units"]}
    assert (points["fast-station-rail"]["status"], points["fast-station-rail"]["order_id"]) == ("busy", order)

    # A second fight next to it: that point is out, a patrol that has just reported is near and goes.
    told = {"status": "free", "position": {"lat": 28.058, "lng": 122.3290}}
    assert hall.post("/units/wc-xd-patrol/status", told, "body", "wc-xd-station").status_code == 200
    second = hall.answer(
        "高铁站广场上有个男的在打一个女的", location=RAIL | {"lat": 28.0590}, caller={"phone": "13800000002"}
    )
    assert second["order_id"] != order
    assert hall.order(second["order_id"])["unit"]["id"] == "wc-xd-patrol"

    # The first unit never signs. Nobody else is in the circle: its station says who goes; then the ladder climbs.
    assert hall.event(second["order_id"], "sign", "body", "wc-xd-station").status_code == 200
    hall.advance(65)
    until(lambda: hall.order(order)["unit"] is None, 20)
    line = hall.order(order)["line"]
    assert any(e["what"] == "order.next_unit" and "新渡派出所指派警力" in e["text"] for e in line)
    assert bodies.wait("cmd-110", "order.supervised", order)["data"]["rung"] == 1
    freed = {u["unit_id"]: u["status"] for u in hall.get("/units").json()["units"]}
    assert freed["fast-station-rail"] == "free"

    # The second is signed, reached, reported: the patrol is free again and the loop closes with every step.
    for step in ("arrive", "report"):
        assert hall.event(second["order_id"], step, "body", "wc-xd-station", note="已制止").status_code == 200
    statuses = {u["unit_id"]: u["status"] for u in hall.get("/units", "body", "wc-xd-station").json()["units"]}
    assert statuses["wc-xd-patrol"] == "free"
    assert set(statuses) == {"wc-xd-crew", "fast-station-rail", "wc-xd-patrol"}, "a body sees its own units"


def test_a_unit_is_reported_by_its_own_body_only(hall: Service) -> None:
    assert hall.post("/units/wc-xd-patrol/status", {"status": "off"}, "body", "wc-gl-station").status_code == 404
    assert hall.post("/units/nobody/status", {"status": "off"}, "dispatcher").status_code == 404
    wrong = {"position": {"lat": 91, "lng": 0}}
    assert hall.post("/units/wc-xd-patrol/status", wrong, "dispatcher").status_code == 422
    assert hall.post("/units/wc-xd-patrol/status", {"status": "off"}, "reader").status_code == 403
    assert hall.post("/units/wc-xd-patrol/status", {"status": "off"}, "dispatcher").json()["status"] == "off"


def test_a_body_that_does_not_answer_holds_up_nobody_else(hall: Service, bodies: Bodies) -> None:
    """Its circuit opens and is shown; other bodies get their orders at once; when it is back it gets what waited."""
    water = "city-water"
    bodies.down.add(water)
    order = hall.answer("盐埠街道自来水停水了，家里没水，请自来水公司抢修")["order_id"]
    assert hall.order(order)["body"]["id"] == water
    until(lambda: _a_little_later(hall) and f'"body":"{water}"' in hall.get("/deliveries/bodies").text, 60)
    circuit = next(one for one in hall.get("/deliveries/bodies").json()["open"] if one["body"] == water)
    assert circuit["failures"] >= 5
    assert "fenliu_circuits_open{" in hall.http.get("/metrics").text
    other = hall.answer("听潮街道灯塔路路灯坏了三天，希望市政部门尽快修好")["order_id"]
    assert bodies.wait("city-chengguan", "order.sent", other, seconds=10)
    assert bodies.of(water) == []
    bodies.down.clear()
    until(lambda: _a_little_later(hall) and bodies.of(water, "order.sent", order), 60)
    until(lambda: water not in hall.get("/deliveries/bodies").text, 30)
    tries = until(lambda: hall.get("/deliveries", order=order).json()["tries"])
    assert {t["state"] for t in tries if t["body"] == water} >= {"delivered", "waiting"}
    asked = {"params": {"body": water}, "headers": hall.auth("reader")}
    assert {t["body"] for t in hall.http.get("/v1/deliveries", **asked).json()["tries"]} == {water}
    asked["headers"] = hall.auth("body", "wc-gl-station")
    assert hall.http.get("/v1/deliveries", **asked).status_code == 404


def _told(hall: Service, order: str, kind: str) -> set[str]:
    """Bodies that were sent a kind of message about an order, by the delivery log."""
    return {t["body"] for t in hall.get("/deliveries", order=order).json()["tries"] if t["type"] == kind}


def _a_little_later(hall: Service) -> bool:
    hall.advance(3)
    return True


# --- M1: three tiers, each order at its tier, handed over in due form, solved before it is closed


def test_each_matter_goes_to_its_tier_and_a_departments_is_not_pushed_down(hall: Service, bodies: Bodies) -> None:
    """City, district, township: a corridor is the street's, wages are the district's, water is the city's."""
    ways = {
        "楼道里堆满杂物没人管，鼓澜街道鼓澜花园": ("wc-gl-office", "township", "work_order"),
        "老板欠我三个月工资不给，在新渡街道科汇路": ("wc-renshe", "district", "work_order"),
        "新渡街道自来水停水了，家里没水，请自来水公司抢修": ("city-water", "city", "transfer"),
    }
    for text, way in ways.items():
        decision = hall.answer(text, location={})["decision"]
        assert (decision["body"]["id"], decision["body"]["tier"], decision["handoff"]) == way, text


def test_a_street_objects_the_next_takes_it_and_nothing_closes_unverified(hall: Service, bodies: Bodies) -> None:
    """分得出去、落得下去、化解得了: returned with a reason, taken on by the next, reported, verified, called back."""
    order = hall.answer("楼道里堆满杂物没人管，听潮街道汐月华庭")["order_id"]
    street = "wc-tc-office"
    assert bodies.wait(street, "order.sent", order)["data"]["state"] == "sent"
    returned = hall.event(order, "return", "body", street, note="属于物业职责", data={"reason": "not_ours"})
    assert returned.status_code == 200, returned.text
    holder = hall.order(order)["body"]["id"]
    assert holder != street
    told = bodies.wait(holder, "order.sent", order)["data"]["reasons"]
    assert any("上一单位退回理由：属于物业职责" in reason for reason in told)
    assert hall.event(order, "sign", "body", street).status_code == 404, "one holder at a time"
    for step in ("sign", "arrive", "report"):
        assert hall.event(order, step, "body", holder, note="已清理").status_code == 200
    early = hall.event(order, "call_back", data={"solved": True})
    assert early.status_code == 409, "no call-back before somebody verified"
    assert "verify" in early.text
    assert hall.event(order, "verify").status_code == 200
    assert hall.event(order, "call_back", data={"solved": True}).json()["state"] == "closed"


# --- M10: an appeal walks up through the centres and does not end before the caller says that it is solved


def test_an_appeal_goes_up_the_centres_and_comes_back_when_it_is_not_solved(hall: Service, bodies: Bodies) -> None:
    """收集、分流、处理、反馈: returns are bounded, the last holder keeps it; "not solved" reopens it to it."""
    order = hall.answer("楼道里堆满杂物没人管，盐埠街道白埕苑", channel="app")["order_id"]
    holders = [hall.order(order)["body"]["id"]]
    while "return" in hall.get(f"/orders/{order}", "body", holders[-1]).json()["legal"]:
        hall.event(order, "return", "body", holders[-1], note="无处置权限", data={"reason": "not_ours"})
        holders.append(hall.order(order)["body"]["id"])
        assert len(holders) < 5, "returns are bounded"
    assert len(holders) == 3
    last = holders[-1]
    for step in ("sign", "arrive", "report"):
        assert hall.event(order, step, "body", last, note="已约谈").status_code == 200
    assert hall.event(order, "verify").status_code == 200
    reopened = hall.event(order, "call_back", data={"solved": False}, note="楼道还是堵的").json()
    assert (reopened["state"], reopened["body"]["id"]) == ("reopened", last)
    supervised = until(lambda: _told(hall, order, "order.supervised"))
    assert last not in supervised, "its superior hears of it"
    for step in ("sign", "arrive", "report"):
        assert hall.event(order, step, "body", last, note="已清空").status_code == 200
    hall.event(order, "verify")
    assert hall.event(order, "call_back", data={"solved": True}).json()["state"] == "closed"


# --- M12: not only the telephone


def test_a_message_online_is_answered_in_writing(hall: Service, bodies: Bodies) -> None:
    """心连心: its own procedure; the answer is the report, and it closes after the writer was asked."""
    order = hall.answer("请问养老金资格认证在哪里办，我父亲今年七十二了", channel="web")["order_id"]
    found = hall.order(order)
    assert (found["procedure"], found["handoff"]) == ("online_reply", "work_order")
    body = found["body"]["id"]
    assert hall.event(order, "sign", "body", body).status_code == 200
    replied = hall.event(order, "report", "body", body, note="请带身份证到服务大厅二楼办理").json()
    assert (replied["state"], replied["result"]) == ("verified", "请带身份证到服务大厅二楼办理")
    assert hall.event(order, "call_back", data={"satisfied": True}).json()["state"] == "closed"


def test_an_alarm_post_has_its_place_and_a_rider_is_a_known_reporter(hall: Service) -> None:
    post = hall.answer("有人晕倒了", channel="alarm_post", location={"post_id": "BJ0002"})
    assert post["decision"]["area"]["community"] == "wc-gl-2"
    assert (post["decision"]["handoff"], post["decision"]["body"]["id"]) == ("dispatch", "wc-gl-station")
    rider = {"phone": "13800000031", "kind": "rider"}
    told = hall.answer("听潮街道灯塔路路灯坏了三天，希望市政部门尽快修好", channel="app", caller=rider)
    assert hall.get(f"/calls/{told['call_id']}").json()["call"]["caller"]["kind"] == "rider"


# --- M9: supervision, last, because it moves the clock by days


def test_silence_is_supervised_up_to_the_superior_and_told_in_the_daily_digest(hall: Service, bodies: Bodies) -> None:
    """督导反馈: reminder, overdue mark, duty officer, superior takes over; the overdue list and the digest name it."""
    order = hall.answer("楼道里堆满杂物没人管，新渡街道渡口花苑")["order_id"]
    street = "wc-xd-office"
    assert hall.order(order)["body"]["id"] == street
    hall.advance(7 * 60 + 5)
    assert bodies.wait(street, "order.reminder", order)["data"]["step"] == "sign"
    hall.advance(3 * 60)
    bodies.wait(street, "order.overdue", order)
    listed = hall.get("/orders", overdue=True, limit=500).json()["orders"]
    assert order in {o["order_id"] for o in listed}
    hall.advance(5 * 60)
    assert bodies.wait("cmd-110", "order.supervised", order)["data"]["rung"] == 1
    hall.advance(4 * 3600)
    until(lambda: hall.order(order)["body"]["id"] == "wc-centre", 30)
    assert bodies.wait(street, "order.updated", order)["data"]["event"] == "taken_over"
    before = len(bodies.of("cmd-leader", "digest.daily"))
    hall.advance(24 * 3600)
    until(lambda: len(bodies.of("cmd-leader", "digest.daily")) > before, 60)
    digest = bodies.of("cmd-leader", "digest.daily")[-1]["data"]
    assert digest["overdue"] >= 1
    assert digest["text"].startswith(digest["date"])
    named = hall.order(digest["overdue_orders"][0]["order_id"])
    assert named["overdue_count"] >= 1
    whats = [e["what"] for e in hall.order(order)["line"]]
    assert [w for w in whats if w in ("order.reminder", "order.overdue", "order.supervised", "order.taken_over")][
        :5
    ] == [
        "order.reminder",
        "order.overdue",
        "order.supervised",
        "order.supervised",
        "order.supervised",
    ]
