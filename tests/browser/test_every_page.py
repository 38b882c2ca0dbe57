"""Every page once at every size: the picture, its width, its accessibility (axe-core)."""

from pathlib import Path
from typing import Any

import pytest
from browser_fixtures import Bodies, Open, picture, shot
from open_calls import unsure
from playwright.sync_api import Page
from running import Service

AXE = (Path(__file__).parent / "files" / "axe.min.js").read_text("utf-8")
LEAK = "楼上装修把我家天花板泡了，找他家谈不拢，邻居不肯赔"
PLACE = {"address": "望潮区鼓澜街道月堰新村5幢502室"}
IN_DOCS = ("board", "order", "review", "hotspots", "dossier", "operations")


def faults(page: Page) -> list[str]:
    """axe-core's serious and critical violations, each with the first element."""
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    )
    grave = [v for v in found if v["impact"] in ("serious", "critical")]
    return [f"{v['id']}: {v['nodes'][0]['target']} {v['nodes'][0].get('failureSummary', '')[:160]}" for v in grave]


def settled(page: Page, path: str) -> None:
    page.goto(path)
    page.wait_for_selector("#main .f-panel, #main .b, #main .r-desk")
    page.wait_for_timeout(400)


@pytest.mark.parametrize(("size", "dark"), [("desk", False), ("wall", True), ("phone", False)])
def test_every_page_at_every_size(open_as: Open, city_service: Service, bodies: Bodies, size: str, dark: bool) -> None:
    """Kept as test output, and in the docs by `make pictures`; none scrolls sideways, none is closed to anybody."""
    for n, text in enumerate(
        (
            "听潮街道观澜社区有人持刀砍人",
            "鼓澜街道半桥社区路灯坏了，希望市政部门尽快修好",
            "盐埠街道七星塘社区停水一整天",
        )
    ):
        city_service.answer(text, caller={"phone": f"1390007001{n}"})
    fight = city_service.answer("新渡街道科汇社区有人打架，流血了", caller={"phone": "13900070020"})
    waiting, _ = unsure(city_service, "13900070021")
    dispute = city_service.answer(LEAK, caller={"phone": "13900070022"}, location=PLACE)
    pages = {
        "board": "/", "order": f"/orders/{fight['order_id']}", "call": f"/calls/{fight['call_id']}",
        "review": f"/review?at={waiting}", "alerts": "/alerts", "models": "/models",
        "model": "/models/fraud_brushing", "hotspots": "/hotspots?days=7", "dossiers": "/dossiers",
        "dossier": f"/dossiers/{dispute['links']['dossier_id']}", "figures": "/figures", "operations": "/operations",
    }  # fmt: skip
    page = open_as("officer", size=size, dark=dark)
    for name, path in pages.items():
        settled(page, path)
        if size == "desk" or (dark and name in ("board", "order")):  # dark: the two with the most colours
            assert not faults(page), f"{name} {size}"
        if size == "desk" and name in IN_DOCS:
            picture(page, name)
        else:
            shot(page, f"{name}-{size}")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} scrolls sideways on {size}: {wide} px"
