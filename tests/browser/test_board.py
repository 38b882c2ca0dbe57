"""The live board: a call arrives while somebody watches, its clock runs, filters stay in the address."""

import re

from browser_fixtures import Open, shot
from playwright.sync_api import Page, expect
from running import Service


def card(page: Page, words: str):  # type: ignore[no-untyped-def]  # Playwright names it
    return page.locator(".b-card", has_text=words)


def test_watch_a_call_arrive_and_its_clock_run(open_as: Open, city_service: Service) -> None:
    page = open_as("dispatcher")
    page.wait_for_selector(".b-none, .b-card")
    title = page.title()

    city_service.answer("鼓澜街道官船社区有人拿刀追我，快来", caller={"phone": "13900010001", "name": "钱某某"})

    call = page.locator(".b-call", has_text="拿刀追我")
    expect(call).to_be_visible(timeout=3000)
    expect(call).to_contain_text("危险")
    first = card(page, "拿刀追我")
    expect(first).to_be_visible()
    page.wait_for_function("was => document.title !== was", arg=title)  # the title flashes for red
    before = first.locator(".b-time").inner_text()
    expect(first.locator(".b-time")).not_to_have_text(before, timeout=4000)
    shot(page, "board-desk")

    city_service.advance(120)
    expect(first).to_contain_text("超时", timeout=6000)
    expect(first.locator(".b-time")).to_contain_text("超")


def test_an_order_that_is_closed_leaves_the_board(open_as: Open, city_service: Service) -> None:
    page = open_as("officer")
    order = city_service.answer("听潮街道老旧小区楼道堆了很多纸箱子没人清理", caller={"phone": "13900010002"})[
        "order_id"
    ]
    row = page.locator(".b-scroll .b-row", has_text="楼道堆了很多纸箱子")
    expect(row).to_be_visible(timeout=5000)
    assert city_service.event(order, "cancel", note="重复").status_code == 200
    expect(row).to_have_count(0, timeout=5000)


def test_filters_are_kept_in_the_address(open_as: Open, city_service: Service) -> None:
    city_service.answer("新渡街道科汇社区有人打架，头破血流", caller={"phone": "13900010003"})
    page = open_as("dispatcher")
    page.wait_for_selector(".b-scroll .b-row")
    page.keyboard.press("/")
    page.keyboard.type("头破血流")
    page.get_by_label("全部事项").select_option("police")
    expect(page).to_have_url(re.compile(r"q=.+&m=police"))
    expect(page.locator(".b-scroll .b-row")).to_have_count(1)
    page.reload()
    expect(page.locator(".b-scroll .b-row")).to_have_count(1)
    page.get_by_role("button", name="清除筛选").click()
    expect(page).to_have_url(re.compile(r"/$"))


def test_the_board_is_walked_by_keyboard(open_as: Open, city_service: Service) -> None:
    city_service.answer("盐埠街道老盐仓社区着火了，屋里有人", caller={"phone": "13900010004"})
    page = open_as("dispatcher")
    page.wait_for_selector(".b-scroll .b-row")
    page.locator("body").press("j")
    expect(page.locator(".b-scroll .b-row.on")).to_have_count(1)
    page.locator("body").press("Enter")
    page.wait_for_url("**/orders/**")
    expect(page.locator(".p-steps")).to_be_visible()


def test_three_sizes_and_english(open_as: Open, city_service: Service) -> None:
    city_service.answer("鼓澜街道旗亭社区煤气味很重，有人晕倒", caller={"phone": "13900010005"})
    wall = open_as("dispatcher", size="wall", dark=True)
    expect(wall.locator(".b-card").first).to_be_visible()
    shot(wall, "board-wall-dark")
    phone = open_as("dispatcher", size="phone")
    expect(phone.locator(".b-card").first).to_be_visible()
    shot(phone, "board-phone")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the phone scrolls sideways"
    wall.get_by_role("button", name="English").click()
    expect(wall.get_by_role("link", name="Board")).to_be_visible()
