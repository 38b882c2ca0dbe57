"""Stories of the loop against the real service: three tiers, one-three-five minutes, supervision."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bodies_at_work import Bodies, receiving
from running import Service, serving, until

pytestmark = [pytest.mark.xdist_group("three_tiers"), pytest.mark.timeout(240)]
RAIL = {"lat": 28.05761, "lng": 122.3282}
"""The railway station: a one-minute circle, with a rapid-response point beside it."""


@pytest.fixture(scope="module")
def bodies() -> Iterator[Bodies]:
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, model: Path, bodies: Bodies) -> Iterator[Service]:
    """A service of this file's own: its stories move the clock."""
    data = tmp_path_factory.mktemp("three") / "data"
    with serving(data, model, "--no-console", FENLIU_BODIES_URL=bodies.url) as running:
        until(lambda: running.get("/units").json()["units"], 20)
        yield running


def codes(answer: dict) -> set[str]:  # type: ignore[type-arg]
    return {reason["code"] for reason in answer["decision"]["reasons"]}


def test_one_three_five_minutes(own: Service, bodies: Bodies) -> None:
    """A fight at the railway station: the point next to it goes within its minute; silent, it is relieved."""
    answer = own.answer("高铁站出站口有两个人打起来了", location=RAIL)
    order = answer["order_id"]
    why = next(r["text"] for r in answer["decision"]["reasons"] if r["code"] == "nearest_unit")
    assert "高铁站快反点" in why
    assert "1 分钟快反圈" in why
    sent = bodies.wait("wc-xd-station", "order.sent", order)
    assert sent["data"]["unit"]["id"] == "fast-station-rail"
    points = {u["unit_id"]: u for u in own.get("/units").json()["units"]}
    assert (points["fast-station-rail"]["status"], points["fast-station-rail"]["order_id"]) == ("busy", order)

    # A second fight next to it: that point is out, a patrol that has just reported is near and goes.
    told = {"status": "free", "position": {"lat": 28.058, "lng": 122.3290}}
    assert own.post("/units/wc-xd-patrol/status", told, "body", "wc-xd-station").status_code == 200
    second = own.answer(
        "高铁站广场上有个男的在打一个女的", location=RAIL | {"lat": 28.0590}, caller={"phone": "13800000002"}
    )
    assert second["order_id"] != order
    assert own.order(second["order_id"])["unit"]["id"] == "wc-xd-patrol"

    # The first unit never signs. Nobody else is in the circle: its station says who goes; then the ladder climbs.
    assert own.event(second["order_id"], "sign", "body", "wc-xd-station").status_code == 200
    own.advance(65)
    until(lambda: own.order(order)["unit"] is None, 20)
    line = own.order(order)["line"]
    assert any(e["what"] == "order.next_unit" and "新渡派出所指派警力" in e["text"] for e in line)
    assert bodies.wait("cmd-110", "order.supervised", order)["data"]["rung"] == 1
    freed = {u["unit_id"]: u["status"] for u in own.get("/units").json()["units"]}
    assert freed["fast-station-rail"] == "free"

    # The second is signed, reached, reported: the patrol is free again and the loop closes with every step.
    for step in ("arrive", "report"):
        assert own.event(second["order_id"], step, "body", "wc-xd-station", note="已制止").status_code == 200
    statuses = {u["unit_id"]: u["status"] for u in own.get("/units", "body", "wc-xd-station").json()["units"]}
    assert statuses["wc-xd-patrol"] == "free"
    assert set(statuses) == {"wc-xd-crew", "fast-station-rail", "wc-xd-patrol"}, "a body sees its own units"


def test_a_unit_is_reported_by_its_own_body_only(own: Service) -> None:
    assert own.post("/units/wc-xd-patrol/status", {"status": "off"}, "body", "wc-gl-station").status_code == 404
    assert own.post("/units/nobody/status", {"status": "off"}, "dispatcher").status_code == 404
    assert own.post("/units/wc-xd-patrol/status", {}, "dispatcher").status_code == 422
    assert own.post("/units/wc-xd-patrol/status", {"status": "off"}, "reader").status_code == 403
    assert own.post("/units/wc-xd-patrol/status", {"status": "off"}, "dispatcher").json()["status"] == "off"


def test_a_body_that_does_not_answer_holds_up_nobody_else(own: Service, bodies: Bodies) -> None:
    """Its circuit opens and is shown; other bodies get their orders at once; when it is back it gets what waited."""
    water = "city-water"
    bodies.down.add(water)
    order = own.answer("盐埠街道自来水爆管，停水了，水漫到马路上")["order_id"]
    assert own.order(order)["body"]["id"] == water
    found = until(lambda: _a_little_later(own) and own.get("/deliveries/bodies").json()["open"], 60)
    assert (found[0]["body"], found[0]["failures"] >= 5) == (water, True)
    assert "fenliu_circuits_open{" in own.http.get("/metrics").text
    other = own.answer("听潮街道灯塔路路灯坏了三天没人修")["order_id"]
    assert bodies.wait("city-chengguan", "order.sent", other, seconds=10)
    assert bodies.of(water) == []
    bodies.down.clear()
    until(lambda: _a_little_later(own) and bodies.of(water, "order.sent", order), 60)
    until(lambda: own.get("/deliveries/bodies").json()["open"] == [], 30)
    tries = until(lambda: own.get("/deliveries", order=order).json()["tries"])
    assert {t["state"] for t in tries if t["body"] == water} >= {"delivered", "waiting"}
    assert {t["body"] for t in own.get(f"/deliveries?body={water}").json()["tries"]} == {water}
    assert own.get(f"/deliveries?body={water}", "body", "wc-gl-station").status_code == 404


def _a_little_later(own: Service) -> bool:
    own.advance(3)
    return True
