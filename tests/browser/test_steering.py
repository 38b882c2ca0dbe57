"""Steering: the order page's moves, the review desk by keyboard, alerts, dead letters."""

import redis
from browser_fixtures import Bodies, Open, shot
from open_calls import unsure
from playwright.sync_api import expect
from running import Service, until

from engine.store import embedded

FRAUD = "做任务刷单被骗了，我还在给他转钱，对方让我继续垫付下一单，{place}"


def test_moves_are_made_on_the_order_page(open_as: Open, city_service: Service) -> None:
    order = city_service.answer("盐埠街道七星塘社区两家人打起来了，有人流血", caller={"phone": "13900020001"})[
        "order_id"
    ]
    page = open_as("officer", f"/orders/{order}")
    expect(page.locator("mark").first).to_be_visible()
    shot(page, "order-desk")
    page.locator(".f-moves").get_by_role("button", name="签收").click()
    expect(page.locator(".f-moves").get_by_role("button", name="到场")).to_be_visible()
    assert city_service.order(order)["state"] == "signed"
    page.locator(".f-moves").get_by_role("button", name="备注").click()
    page.get_by_label("说明").fill("已联系 13912345678 核实")
    page.get_by_role("button", name="确定").click()
    expect(page.locator(".p-line")).to_contain_text("已联系")
    expect(page.locator(".q-dialog")).to_have_count(0)
    assert "13912345678" not in page.content()
    assert city_service.event(order, "arrive").status_code == 200  # somebody else, meanwhile
    expect(page.locator(".p-steps .now")).to_contain_text("反馈", timeout=5000)


def test_an_unsure_call_is_decided_by_one_key(open_as: Open, city_service: Service) -> None:
    # Another waits longer: the desk must not open that one.
    unsure(city_service, "13900020012")
    order, text = unsure(city_service, "13900020002")
    page = open_as("officer", f"/review?at={order}")
    call = open_as("dispatcher").locator(".b-call", has_text=text)
    expect(call).to_contain_text("待研判")
    answer = page.locator(".r-answer").first
    expect(answer).to_be_visible()
    shot(page, "review-desk")
    page.keyboard.press("1")
    until(lambda: city_service.order(order)["state"] == "sent")
    expect(page.locator(".q-notification")).to_contain_text("已派")
    expect(call).not_to_contain_text("待研判")
    line = city_service.order(order)["line"]
    assert any("人工确认" in entry["text"] for entry in line)


def test_a_second_officer_sees_that_it_is_taken(open_as: Open, city_service: Service) -> None:
    order, text = unsure(city_service, "13900020003")
    first = open_as("officer", f"/review?at={order}")
    expect(first.locator(".r-answer").first).to_be_visible()
    second = open_as("dispatcher", f"/review?at={order}")
    expect(second.locator(".p-title")).to_contain_text("officer 正在处理")
    first.keyboard.press("1")
    until(lambda: city_service.order(order)["state"] == "sent")
    # Both desks move on, perhaps to the same next call: what was decided is gone from this one.
    expect(second.locator(".r-detail")).not_to_contain_text(text)


def test_confirm_an_alert_and_see_the_instruction_leave(open_as: Open, city_service: Service, bodies: Bodies) -> None:
    answer = city_service.answer(FRAUD.format(place="鼓澜街道钟潮社区"), caller={"phone": "13900020004"})
    waiting = [a for a in answer["alerts"] if a["state"] == "review"]
    assert waiting, answer
    alert = waiting[0]["alert_id"]
    page = open_as("officer", f"/review?at={alert}")
    expect(page.locator(".r-answer").first).to_contain_text("确认，下达指令")
    page.keyboard.press("1")
    expect(page.locator(".q-notification")).to_contain_text("指令发往")
    sent = until(lambda: [m for m in bodies.of_type("alert.instruction") if m["data"]["alert_id"] == alert])
    assert sent[0]["data"]["body"]["id"] in sent[0]["to"]
    page.goto(f"/alerts/{alert}")
    expect(page.locator(".p-line")).to_contain_text("下达指令")
    page.goto("/alerts")
    expect(page.locator(".t-alerts")).to_contain_text("已下达指令")
    shot(page, "alerts-desk")


def test_replay_a_dead_letter(open_as: Open, city_service: Service, bodies: Bodies) -> None:
    bodies.answer = 410
    try:
        order = city_service.answer("新渡街道汇贤社区有人翻窗入室盗窃，人还在里面", caller={"phone": "13900020005"})[
            "order_id"
        ]
        page = open_as("officer", "/operations")
        letter = page.locator(".o-letter", has_text=order).first
        expect(letter).to_contain_text("HTTP 410", timeout=10_000)
        shot(page, "operations-desk")
    finally:
        bodies.answer = 200
    page.get_by_role("button", name="全部重发").click()
    expect(page.locator(".o-letter")).to_have_count(0, timeout=10_000)
    until(lambda: any(m["data"].get("order_id") == order for m in bodies.of_type("order.sent")))


def test_a_stored_call_that_cannot_be_read_is_shown_and_mended(open_as: Open, city_service: Service) -> None:
    """Half of it stands in the store: people see what there is, act on it, and have it tried again once it is whole."""
    text = "盐埠街道七星塘社区井盖坏了，路过的人差点摔倒"
    like = city_service.answer(text, caller={"phone": "13900020006"})["call_id"]
    page = open_as("officer", "/operations")
    with redis.Redis(unix_socket_path=str(embedded.socket_path(city_service.data))) as store:
        whole = store.hget(f"{{cj}}:call:{like}", "body").decode().replace(like, "HALF-1")
        taken = {"body": whole[: len(whole) // 2], "status": "accepted", "tries": 9, "at": 1, "seq": 1}
        store.hset("{cj}:call:HALF-1", mapping=taken)
        store.zadd("{cj}:pending", {"HALF-1": 1})
        found = page.locator(".o-letter", has_text="HALF-1")
        expect(found).to_contain_text("七星塘社区井盖坏了", timeout=10_000)
        expect(page.locator(".f-page")).to_contain_text("警情未能自动判定")
        shot(page, "operations-undecided")
        store.hset("{cj}:call:HALF-1", "body", whole)
    found.get_by_role("button", name="立即重试").click()
    expect(found).to_have_count(0, timeout=10_000)
    # The row goes when the call is taken up; the decision is written a moment later.
    until(lambda: city_service.get("/calls/HALF-1").json()["status"] == "committed")
