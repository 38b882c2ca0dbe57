"""Roles: nobody without a token, a body its own orders only, a reader no personal data."""

import re

from browser_fixtures import Open
from playwright.sync_api import Browser, expect
from running import Service

LEAK = "楼上装修把我家天花板泡了，找他家谈不拢，邻居不肯赔"
HOME = "望潮区鼓澜街道月堰新村7幢302室"
# a stretch of digits within a random id (the page carries its client's) is no number of anybody
PHONE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])|\d{3}\*{2,}\d{4}")


def test_without_a_token_there_is_only_the_sign_in_page(city_service: Service, chromium: Browser) -> None:
    page = chromium.new_page(base_url=f"http://127.0.0.1:{city_service.port}")
    page.goto("/operations")
    expect(page.get_by_label("访问令牌")).to_be_visible()
    page.get_by_label("访问令牌").fill("not-a-token-of-this-city")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("令牌无效")
    assert page.request.get("/console-data/board.json").status == 401
    page.close()


def test_the_cookie_is_sealed_and_out_of_reach_of_scripts(open_as: Open, city_service: Service) -> None:
    page = open_as("officer")
    cookie = next(c for c in page.context.cookies() if c["name"] == "fenliu_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert city_service.token("officer") not in cookie["value"]
    page.context.add_cookies([cookie | {"value": cookie["value"][:-4] + "AAAA"}])  # type: ignore[list-item, arg-type]  # cookies as they came
    page.goto("/")
    expect(page.get_by_label("访问令牌")).to_be_visible()


def test_a_body_sees_only_its_own_orders(open_as: Open, city_service: Service) -> None:
    own = city_service.answer("鼓澜街道官船社区有人打架，流血了", caller={"phone": "13900030001"})
    other = city_service.answer("新渡街道渡口社区有人砸车，还在砸", caller={"phone": "13900030002"})
    body, stranger = own["decision"]["body"]["id"], other["decision"]["body"]["id"]
    assert body != stranger
    page = open_as("body", body=body)
    expect(page.locator(".b-scroll .b-row", has_text="官船社区")).not_to_have_count(0)
    expect(page.locator(".b-scroll .b-row", has_text="渡口社区")).to_have_count(0)
    expect(page.locator(".b-calls")).to_have_count(0)
    page.goto(f"/orders/{own['order_id']}")
    expect(page.locator(".f-moves").get_by_role("button", name="签收")).to_be_visible()
    page.goto(f"/orders/{other['order_id']}")
    expect(page.locator(".f-panel")).to_contain_text("不在您的权限内")
    for forbidden in ("/review", "/alerts", "/operations", "/figures", "/models", "/hotspots"):
        page.goto(forbidden)
        expect(page.get_by_label("访问令牌")).to_be_visible()


def test_a_reader_sees_no_number_no_name_and_no_button(open_as: Open, city_service: Service) -> None:
    text = "做任务刷单被骗了，正在给 13900030003 转钱，让我继续垫付"
    sent = city_service.answer(
        text, caller={"phone": "13900030003", "name": "欧阳某"}, location={"address": "钟潮里 8 号 302"}
    )
    page = open_as("reader")
    expect(page.locator(".b-call", has_text="刷单").first).to_be_visible()
    paths = ["/", f"/orders/{sent['order_id']}", f"/calls/{sent['call_id']}", "/review", "/alerts", "/hotspots"]
    dispute = city_service.answer(LEAK, caller={"phone": "13900030006", "name": "欧阳某"}, location={"address": HOME})
    paths += ["/dossiers", f"/dossiers/{dispute['links']['dossier_id']}"]
    paths += [f"/alerts/{a['alert_id']}" for a in sent["alerts"]]
    for path in paths:
        page.goto(path)
        page.wait_for_selector("#main .f-panel, #main .b-orders")
        page.wait_for_timeout(300)
        seen = page.content()
        assert not PHONE.search(seen), path
        assert "欧阳" not in seen, path
        assert "302" not in page.locator("#main").inner_text(), path  # in an alert's message, for one
        expect(page.locator(".f-moves .f-button, .r-answer")).to_have_count(0)
    board = page.request.get("/console-data/board.json").text()
    assert not PHONE.search(board)
