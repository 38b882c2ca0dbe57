"""The figures page: what came in today is counted, every number opens the records behind it, files come down."""

import csv
import io

from browser_fixtures import Open, shot
from running import Service, faults


def test_figures_of_today_open_their_list_and_come_as_files(city_service: Service, open_as: Open) -> None:
    told = city_service.answer("鼓澜街道的路灯坏了三盏，晚上一片黑")
    before = city_service.get("/reports/figures").json()["values"]["received"]["of"]
    for size in ("desk", "wall", "phone"):
        page = open_as("reader", "/figures", size=size)
        page.get_by_role("heading", name="要点").wait_for()
        shot(page, f"figures_{size}")
    page = open_as("officer", "/figures?span=week&by=matter&compare=last_year")
    page.locator(".q-chart, .q-tables").first.wait_for()
    assert page.locator("table").count() >= 7
    assert page.get_by_text("去年同期").count()
    page.locator(".o-tile", has_text="接报").get_by_role("link").click()
    page.get_by_role("link", name=told["call_id"]).wait_for()
    assert page.locator("tbody tr").count() >= min(before, 1)
    shot(page, "figures_records")
    with page.expect_download() as coming:
        page.evaluate("location.href = '/figures-file?span=today&format=csv'")
    text = coming.value.path().read_text("utf-8-sig")
    rows = {r[1]: r for r in csv.reader(io.StringIO(text))}
    assert int(rows["接报"][2]) >= 1
    page.goto("/bulletin?span=week")
    assert page.get_by_text("警情分流周报").count()
    shot(page, "bulletin_week")


def test_a_body_and_a_stranger_see_no_figures(city_service: Service, open_as: Open) -> None:
    page = open_as("body", "/", body="wc-gl-station")
    page.goto("/figures")
    assert "/sign-in" in page.url
    assert city_service.http.get("/bulletin").headers.get("location", "").startswith("/sign-in")
    assert faults(city_service.get("/reports/figures", "body", "wc-gl-station"), 403) == set()


def test_the_lists_and_files_over_http(city_service: Service) -> None:
    told = city_service.answer("鼓澜街道望潮路口的井盖坏了")
    listed = city_service.get("/reports/figures/received/records", side="all").json()["records"]
    assert told["call_id"] in {r["id"] for r in listed}
    by_body = city_service.get("/reports/figures", by="body").json()["groups"]
    assert any("received" in g for g in by_body.values())
    assert city_service.get("/reports/figures/none/records").status_code == 404
    assert faults(city_service.get("/reports/figures/alerts/records", by="handoff"), 422) == {"by"}
    sheet = city_service.get("/reports/export", format="xlsx")
    assert sheet.content[:2] == b"PK"
    assert "警情分流日报" in city_service.get("/reports/bulletin").text
