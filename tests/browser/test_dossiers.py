"""A dispute's dossier: read, mediated, printed; a body sees its own."""

from browser_fixtures import Open
from playwright.sync_api import expect
from running import Service

LEAK = "楼上装修把我家天花板泡了，找他家谈不拢，邻居不肯赔"
ANGRY = "楼下的人天天上门闹，说漏水是我家弄的，扬言要打断我的腿"
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
