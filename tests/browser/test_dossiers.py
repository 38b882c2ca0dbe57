"""A dispute's dossier: read, mediated, printed; a body sees its own; and every page once at every size."""

from browser_fixtures import Bodies, Open, picture, shot
from playwright.sync_api import Page, expect
from running import Service

LEAK = "楼上装修把我家天花板泡了，找他家谈不拢，邻居不肯赔"
ANGRY = "楼下的人天天上门闹，说漏水是我家弄的，扬言要打断我的腿"
IN_DOCS = ("board", "order", "review", "hotspots", "dossier", "operations")
PLACE = {"address": "望潮区鼓澜街道月堰新村5幢502室"}


def test_print_a_dossier(open_as: Open, city_service: Service) -> None:
    first = city_service.answer(LEAK, caller={"phone": "13900070001", "name": "林晓雨"}, location=PLACE)
    city_service.answer(ANGRY, caller={"phone": "13900070002"}, location=PLACE)
    dossier = first["links"]["dossier_id"]
    page = open_as("officer", "/dossiers")
    page.locator(f'a[href="/dossiers/{dossier}"]').click()
    expect(page.locator(".d-calls li")).to_have_count(2)
    page.get_by_role("button", name="登记调解").click()
    page.get_by_role("button", name="确定").click()
    expect(page.locator(".f-dialog [role=alert]")).to_contain_text("result")  # said, nothing lost
    page.locator(".f-dialog .q-select").click()
    page.get_by_role("option", name="部分一致").click()
    page.get_by_label("说明").fill("双方同意先查漏点")
    page.get_by_role("button", name="确定").click()
    expect(page.locator(".p-order")).to_contain_text("双方同意先查漏点")
    expect(page.locator(".p-title")).to_contain_text("调解中")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="打印").click()
    sheet = opened.value
    sheet.wait_for_load_state()
    expect(sheet.locator("body")).to_contain_text("双方同意先查漏点")
    assert "林晓雨" not in sheet.content()
    paper = sheet.pdf()
    assert paper.startswith(b"%PDF")
    assert len(paper) > 5000
    reader = open_as("reader")
    assert reader.request.get(f"/dossiers/{dossier}/print").url.endswith(f"/sign-in?to=/dossiers/{dossier}/print")
    body = city_service.order(first["order_id"])["body"]["id"]
    own = open_as("body", f"/dossiers/{dossier}", body=body)
    expect(own.locator(".p-title")).to_contain_text("调解中")
    stranger = open_as("body", f"/dossiers/{dossier}", body="wc-xd-office")
    expect(stranger.locator(".f-panel")).to_contain_text("不在您的权限内")


def settled(page: Page, path: str) -> None:
    page.goto(path)
    page.wait_for_selector("#main .f-panel, #main .b, #main .r-desk")
    page.wait_for_timeout(700)


def test_every_page_at_every_size(open_as: Open, city_service: Service, bodies: Bodies) -> None:
    """Kept as test output, and in the docs by `make pictures`; no page scrolls sideways on a telephone."""
    for n, text in enumerate(
        (
            "听潮街道观澜社区有人持刀砍人",
            "鼓澜街道半桥社区路灯坏了，希望市政部门尽快修好",
            "盐埠街道七星塘社区停水一整天",
        )
    ):
        city_service.answer(text, caller={"phone": f"1390007001{n}"})
    fight = city_service.answer("新渡街道科汇社区有人打架，流血了", caller={"phone": "13900070020"})
    unsure = city_service.answer("喂，那个，就是那件事，你们到底管不管", caller={"phone": "13900070021"})
    dispute = city_service.answer(LEAK, caller={"phone": "13900070022"}, location=PLACE)
    pages = {
        "board": "/", "order": f"/orders/{fight['order_id']}", "call": f"/calls/{fight['call_id']}",
        "review": f"/review?at={unsure['order_id']}", "alerts": "/alerts", "models": "/models",
        "model": "/models/fraud_brushing", "hotspots": "/hotspots?days=7", "dossiers": "/dossiers",
        "dossier": f"/dossiers/{dispute['links']['dossier_id']}", "figures": "/figures", "operations": "/operations",
    }  # fmt: skip
    for size, dark in (("desk", False), ("wall", True), ("phone", False)):
        page = open_as("officer", size=size, dark=dark)
        for name, path in pages.items():
            settled(page, path)
            if size == "desk" and name in IN_DOCS:
                picture(page, name)
            else:
                shot(page, f"{name}-{size}")
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{name} scrolls sideways on {size}: {wide} px"
