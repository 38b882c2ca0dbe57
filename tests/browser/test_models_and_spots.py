"""The model desk and the hot spots: a fault is told while typing, two people for a live model, a patrol goes out."""

import re
from datetime import UTC, datetime

from browser_fixtures import Open, picture, shot
from playwright.sync_api import Page, expect
from running import Service, until

HOUR = 3_600_000
DAY = 24 * HOUR


def write_line(page: Page, old: str, new: str) -> None:
    """Replace the end of the editor's line that ends in `old`."""
    page.locator(".cm-line", has_text=re.compile(re.escape(old) + "$")).first.click()
    page.keyboard.press("End")
    for _ in old:
        page.keyboard.press("Backspace")
    page.keyboard.type(new)
    page.keyboard.press("Escape")


def state_of(service: Service, model: str) -> str:
    rows = service.get("/models").json()["models"]
    return next((row["state"] for row in rows if row["model"] == model), "")


def test_a_new_model_can_be_named_before_the_page_has_its_line_to_the_service(open_as: Open) -> None:
    page = open_as("author", "/operations")
    page.route_web_socket("**/_nicegui_ws/**", lambda _: None)
    page.route("**/_nicegui_ws/**", lambda _: None)
    page.goto("/models")
    name = page.get_by_label("新模型编号")
    name.fill("Drone noise")
    page.get_by_role("button", name="新建").click()
    assert "小写字母" in name.get_attribute("title")
    assert name.evaluate("one => one.validity.patternMismatch"), "the browser says what is wrong, beside the field"
    name.fill("early_name")
    page.get_by_role("button", name="新建").click()
    page.wait_for_url("**/models/early_name?new=1")
    page.unroute_all(behavior="ignoreErrors")


def test_write_a_model_with_a_fault_fix_it_backtest_put_it_into_shadow(open_as: Open, city_service: Service) -> None:
    city_service.answer("鼓澜街道钟潮社区邻居半夜放音乐还玩无人机，吵得睡不着", caller={"phone": "13900060001"})
    page = open_as("author", "/models")
    page.get_by_label("新模型编号").fill("drone_noise")
    page.get_by_role("button", name="新建").click()
    page.wait_for_url("**/models/drone_noise?new=1")
    expect(page.locator(".m-verdict").first).to_have_text("没有错误", timeout=30_000)

    write_line(page, "grade: blue", "grade: bl")
    told = page.locator(".cm-line", has_text="grade: bl").locator(".m-said")
    expect(told).to_contain_text("是不是“blue”", timeout=10_000)
    page.keyboard.press("Control+s")
    expect(page.locator(".q-notification").last).to_contain_text("没有保存")
    assert not (city_service.data / "rules/alerts/drone_noise.yaml").exists()
    picture(page, "model")

    page.locator(".cm-line", has_text="grade: bl").first.click()
    page.keyboard.press("End")
    page.keyboard.type("u")
    offered = page.locator(".cm-tooltip-autocomplete li", has_text="blue")
    expect(offered).to_contain_text("蓝色")
    page.wait_for_timeout(200)  # the list takes no Enter in its first moment
    page.keyboard.press("Enter")
    expect(page.locator(".m-verdict").first).to_have_text("没有错误", timeout=10_000)
    write_line(page, "[关键词]}", "[无人机, 关键词]}")
    expect(page.locator(".cm-content")).to_contain_text("{any_of: [无人机, 关键词]}")
    expect(page.locator(".m-verdict").first).to_have_text("没有错误", timeout=10_000)
    page.get_by_role("button", name="跑测试").click()
    expect(page.locator(".m-tests .good")).to_have_count(1, timeout=20_000)
    page.get_by_role("button", name="回放来电").click()
    expect(page.locator(".m-examples")).to_contain_text("新模型", timeout=60_000)
    expect(page.locator(".m-chart")).to_have_count(3)
    shot(page, "model-backtest-desk")

    page.locator(".cm-content").press("Control+s")
    expect(page.locator(".q-notification").last).to_contain_text("已保存")
    page.get_by_role("button", name="放入影子").click()
    until(lambda: state_of(city_service, "drone_noise") == "shadow", 60)
    page.get_by_role("button", name="申请上线").click()
    page.get_by_label("理由").fill("看过一周")
    page.get_by_role("button", name="确定").click()
    expect(page.locator(".m-next")).to_contain_text("须由另一位值班员批准")
    expect(page.get_by_role("button", name="批准上线")).to_have_count(0)

    second = open_as("officer", "/models/drone_noise")
    expect(second.locator(".m-diff ins")).to_contain_text("state: live")
    approve = second.get_by_role("button", name="批准上线").element_handle()
    expect(second.locator(".m-verdict").first).to_contain_text("错误", timeout=10_000)
    assert approve.evaluate("one => one.isConnected"), "the first check leaves the button that is being clicked"
    approve.click()
    second.get_by_role("button", name="确定").click()
    until(lambda: state_of(city_service, "drone_noise") == "live", 60)
    expect(second.locator(".p-line")).to_contain_text("批准上线", timeout=15_000)


OFFERS = """async (before) => {
  const { offersAt, placeOf } = await import('/console-static/console-complete.js');
  const node = { type: 'object', properties: { grade: { type: 'string' }, state: { enum: ['draft', 'live'] } } };
  const W = { $ref: '#/$defs/W' };
  const when = { properties: { danger: { type: 'boolean' }, any: { type: 'array', items: W } } };
  const schema = { $defs: { W: when }, properties: { when: W, then: { anyOf: [node, { type: 'null' }] } } };
  const words = { lists: { grade: [['red', '红色'], ['blue', '蓝色']] }, labels: { danger: '危险' } };
  return offersAt(schema, words, placeOf(before)).map((o) => o.label);
}"""


def test_completion_knows_where_the_cursor_stands(open_as: Open) -> None:
    page = open_as("reader", "/models")
    for before, offered in (
        ("wh", ["when"]), ("title: a\nwhen:\n  ", ["danger", "any"]), ("when:\n  危", ["danger"]),
        ("when:\n  any:\n    - da", ["danger"]), ("when:\n  any:\n    - danger: tr", ["true"]),
        ("when: {any: [{da", ["danger"]), ("then:\n  grade: ", ["red", "blue"]), ("then:\n  grade: 蓝", ["blue"]),
        ("then: {state: dr", ["draft"]), ("when:\n  danger: true\nth", ["then"]),
    ):  # fmt: skip
        assert page.evaluate(OFFERS, before) == offered, before


def test_what_was_typed_survives_a_reload_and_keys_of_the_console_rest(open_as: Open, city_service: Service) -> None:
    page = open_as("author", "/models/fraud_brushing")
    expect(page.locator(".m-verdict").first).to_have_text("没有错误", timeout=30_000)
    write_line(page, "cool_down: 30m", "cool_down: 31m # br")
    expect(page.locator(".m-next")).to_contain_text("未保存")
    page.wait_for_timeout(500)
    page.reload()
    page.get_by_role("button", name="恢复").click()
    expect(page.locator(".cm-content")).to_contain_text("31m # br")
    reader = open_as("reader", "/models/fraud_brushing")
    expect(reader.locator(".cm-content")).to_have_attribute("contenteditable", "false")
    expect(reader.locator(".m-moves .f-button, .m-try")).to_have_count(0)


def test_a_hot_spot_becomes_a_patrol_order(open_as: Open, city_service: Service) -> None:
    now = city_service.now_ms()
    quiet = city_service.call(
        "青岚街道的路灯不亮", received_at=datetime.fromtimestamp(now / 1000 - 30 * 86_400, UTC).isoformat()
    )
    assert city_service.send(quiet).status_code == 200  # a month is known, so that there is something usual
    for n in range(12):  # six nights in a row at 22 o'clock, where it has been quiet for weeks
        at = now - now % DAY - (n % 6 + 1) * DAY + 14 * HOUR + n * 60_000
        received = datetime.fromtimestamp(at / 1000, UTC).isoformat()
        sent = city_service.send(
            {"received_at": received, "channel": "110", "text": "盐埠街道老盐仓社区夜市有人打架，喝多了",
             "caller": {"phone": f"139000601{n:02d}"}}
        )  # fmt: skip
        assert sent.status_code == 200, sent.text
    page = open_as("officer", "/hotspots?days=7")
    card = page.locator(".h-card", has_text="老盐仓").or_(page.locator(".h-card", has_text="盐埠街道")).first
    expect(card).to_contain_text("倍")
    expect(page.locator(".h-map .leaflet-interactive").first).to_be_visible()
    expect(page.locator(".h-grid canvas").first).to_be_visible()
    shot(page, "hotspots-desk")
    card.get_by_role("button", name="下达巡逻").click()
    card.get_by_role("link", name=re.compile("已下达")).click()
    page.wait_for_url("**/orders/**")
    expect(page.locator(".p-text").first).to_contain_text("靶向巡逻")
    order = city_service.order(page.url.rsplit("/", 1)[1])
    assert order["procedure"] == "patrol_suggestion"
    page.goto("/hotspots?days=7")
    expect(page.locator(".h-page table")).to_contain_text("尚不能定")
