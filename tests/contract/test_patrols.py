"""A hot spot becomes a patrol order at the station of its area, once; afterwards one asks whether it helped."""

from running import Service, faults

PATROL = {
    "area": "wc-gl",
    "road": "望潮路",
    "hours": [21, 2],
    "reason": "夜间酒后滋事较平时多两倍",
    "category": "order.noise",
}


def test_a_patrol_order_goes_to_the_station_and_is_made_once(service: Service) -> None:
    patrol = PATROL | {"category": ""}
    made = service.post("/hotspots/patrol", patrol, "officer")
    assert made.status_code == 200, made.text
    order = made.json()
    assert (order["procedure"], order["body"]["id"], order["state"]) == ("patrol_suggestion", "wc-gl-station", "sent")
    assert "鼓澜街道望潮路 21–2时" in order["summary"]
    again = service.post("/hotspots/patrol", patrol, "officer").json()
    assert again["order_id"] == order["order_id"]
    line = service.order(order["order_id"])["line"]
    assert [e["what"] for e in line if e["what"].startswith("order.")] == ["order.patrol", "order.sent"]
    effect = service.get(f"/hotspots/patrol/{order['order_id']}/effect").json()
    assert (effect["before"]["calls"], effect["verdict"], effect["complete"]) == (0, "unclear", False)


def test_what_a_patrol_cannot_be_is_said_by_field(service: Service) -> None:
    assert faults(service.post("/hotspots/patrol", PATROL | {"area": "nowhere", "category": ""}), 422) == {"area"}
    assert faults(service.post("/hotspots/patrol", PATROL | {"hours": [3, 3], "category": ""}), 422) == {"hours"}
    assert faults(service.post("/hotspots/patrol", PATROL | {"category": "order.none"}), 422) == {"category"}
    assert service.get("/hotspots/patrol/O-none/effect").status_code == 404


def test_hot_spots_answer_hours_by_weekday_and_what_rises(service: Service) -> None:
    service.answer("望潮路35号楼下有人大声喧哗", location={"address": "望潮区鼓澜街道望潮路35号"})
    found = service.get("/hotspots", weeks=4).json()
    assert sum(map(sum, found["grid"])) == found["incidents"] >= 1
    assert (len(found["grid"]), len(found["grid"][0]), found["weeks"]) == (7, 24, 0)
    assert (found["rising"], found["tests"]) == ([], 0), "without a week of calls before nothing is unusual"
