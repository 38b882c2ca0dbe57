"""Repeat analysis (M3): one incident told many times is one errand; what was joined wrongly is taken apart again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from running import Service, faults

LIGHT = "路灯不亮，希望市政部门尽快修好路灯"


def dark(service: Service, place: str, phone: str, text: str = LIGHT) -> dict[str, Any]:
    return service.answer(f"{place}{text}", caller={"phone": phone}, location={"address": place})


def test_the_third_call_raises_the_colour_and_shortens_the_running_deadline(service: Service) -> None:
    place = "望潮区盐埠街道晒场路18号"
    first = dark(service, place, "13700000001")
    order = first["order_id"]
    before = service.order(order)
    second = dark(service, place, "13700000002")
    assert (second["decision"]["handoff"], second["order_id"]) == ("join", order)
    assert service.order(order)["grade"] == before["grade"]
    third = dark(service, place, "13700000003")
    assert third["links"]["duplicate_of"] == order
    after = service.order(order)
    assert after["calls"] == 3
    assert after["grade"] != before["grade"]
    assert after["due"]["at"] <= before["due"]["at"]
    told = [e["text"] for e in after["line"] if e["what"] == "order.joined"]
    assert told[-1].startswith("第 3 次来电")


def test_a_wrong_join_is_split_into_its_own_order_and_both_say_so(service: Service) -> None:
    place = "望潮区盐埠街道晒场路52号"
    order = dark(service, place, "13700000011")["order_id"]
    joined = dark(service, place, "13700000012")
    assert joined["order_id"] == order
    got = service.post(f"/calls/{joined['call_id']}/split", {"reason": "是另一盏灯"}, "dispatcher")
    assert got.status_code == 200, got.text
    own = got.json()["order_id"]
    assert own != order
    assert service.order(own)["call_ids"] == [joined["call_id"]]
    left = service.order(order)
    assert left["calls"] == 1
    assert "order.split" in [e["what"] for e in left["line"]]
    assert "order.split_from" in [e["what"] for e in service.order(own)["line"]]
    assert service.get(f"/calls/{joined['call_id']}").json()["order_id"] == own
    again = service.post(f"/calls/{joined['call_id']}/split", {"reason": "再来"}, "dispatcher")
    faults(again, 409)


def test_a_repeat_in_other_words_is_shown_and_joined_by_a_person(service: Service) -> None:
    """Two told it differently; the machine is not sure enough, so it asks."""
    place = "青屿区石蟾街道红炉新村7幢"
    first = dark(service, place, "13700000021", "楼下井盖没了，天黑要出人命")
    second = dark(service, place, "13700000022", "有个窨井盖子不见了，骑车差点栽进去")
    assert second["order_id"] != first["order_id"]
    assert second["links"]["possible_duplicate"] == first["order_id"], second
    assert "possible_duplicate" in [r["code"] for r in second["decision"]["reasons"]]
    what = {"order_id": first["order_id"], "reason": "同一个井盖"}
    got = service.post(f"/calls/{second['call_id']}/join", what, "dispatcher")
    assert got.status_code == 200, got.text
    assert got.json()["calls"] == 2
    assert service.order(second["order_id"])["state"] == "joined"
    faults(service.post(f"/calls/{second['call_id']}/join", what, "dispatcher"), 409)


def test_twelve_who_call_at_once_are_one_errand(service: Service) -> None:
    place = "望潮区新渡街道数谷路66号"
    service.answer("预热", location={"address": "望潮区"})
    with ThreadPoolExecutor(12) as crowd:
        found = list(crowd.map(lambda n: dark(service, place, f"137000001{n:02}"), range(12)))
    orders = {a["order_id"] for a in found}
    assert len(orders) == 1, [(a["order_id"], a["decision"]["handoff"]) for a in found]
    assert service.order(orders.pop())["calls"] == 12


def test_another_flat_and_another_matter_stay_apart(service: Service) -> None:
    found = [
        service.answer(
            "楼上漏水把我家天花板泡了，请社区帮忙协调",
            location={"address": f"望潮区新渡街道渡口花苑3幢{flat}室"},
            caller={"phone": f"13700000{flat}"},
        )
        for flat in (402, 903)
    ]
    assert found[0]["order_id"] != found[1]["order_id"]
