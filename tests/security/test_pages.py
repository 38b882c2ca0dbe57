"""Every page of the console for every role: a matrix made from the pages' own addresses in the source."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from running import ROOT, Service, until

from engine.http.tokens import Role

_ROUTE = re.compile(r'@(?:ui\.page|app\.get)\(\s*(?:"([^"]+)"|(DATA_URL))')
FOR_BODIES = {"/", "/orders/{order_id}", "/calls/{call_id}", "/dossiers", "/dossiers/{dossier_id}",
              "/dossiers/{dossier_id}/print", "/console-data/board.json"}  # fmt: skip
"""Pages that a body is shown at all: with its own orders and dossiers only. The rest sends it to the sign-in."""
NOT_BARE = {"/dossiers/{dossier_id}/print"}
"""Pages with masked numbers on them: for the command room and the bodies, not for readers, authors, integrators."""
SLOW = {"/figures", "/figures/{figure}/records", "/figures-file", "/bulletin", "/hotspots"}
"""They reckon for seconds: asked by nobody and by a body, and by one reader in tests/browser."""


def pages() -> list[str]:
    """The address of every page and file in engine/console."""
    found = []
    for file in (ROOT / "engine" / "console").glob("*.py"):
        for path, named in _ROUTE.findall(file.read_text("utf-8")):
            found.append(path or ("/console-data/board.json" if named else ""))
    return sorted(found)


@contextmanager
def client(service: Service, role: str, body: str = "") -> Iterator[httpx.Client]:
    """Somebody who typed their token; nobody when `role` is empty."""
    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=60, trust_env=False) as found:
        if role:
            answer = found.post("/sign-in", data={"token": service.token(role, body)})
            assert answer.status_code == 303, answer.text
        yield found


def turned_away(answer: httpx.Response) -> bool:
    return answer.status_code == 401 or answer.headers.get("location", "").startswith("/sign-in")


@pytest.fixture(scope="module")
def fight(guarded: Service) -> dict[str, str]:
    """A dispute that one station holds."""
    text = "楼上装修把我家天花板泡了，找他家谈不拢，邻居不肯赔"
    found = guarded.answer(
        text, location={"address": "望潮区鼓澜街道月堰新村7幢302室"}, caller={"phone": "13800009922"}
    )
    until(lambda: guarded.http.get("/sign-in").status_code == 200, 90)
    ids = {"call_id": found["call_id"], "order_id": found["order_id"], "dossier_id": found["links"]["dossier_id"]}
    assert all(ids.values()), found
    return ids | {
        "holder": found["decision"]["body"]["id"],
        "alert_id": "A",
        "model_id": "m_none",
        "figure": "received",
    }


def test_the_matrix_has_every_page() -> None:
    assert len(pages()) >= 15
    assert set(pages()) >= FOR_BODIES | NOT_BARE | SLOW


@pytest.mark.parametrize("role", ["", *[r.value for r in Role]])
def test_every_role_at_every_page(guarded: Service, fight: dict[str, str], role: str) -> None:
    room = {"admin", "officer", "dispatcher", "body"}
    with client(guarded, role, fight["holder"] if role == "body" else "") as asks:
        for page in pages():
            if page in SLOW and role not in ("", "body"):
                continue
            answer = asks.get(page.format(**fight))
            assert answer.status_code < 500, page
            may = bool(role) and (role != "body" or page in FOR_BODIES) and (page not in NOT_BARE or role in room)
            assert turned_away(answer) != may, (page, answer.status_code)
            if not may:
                assert fight["order_id"] not in answer.text.replace(page.format(**fight), "")


def test_the_pages_of_another_body_say_nothing_of_it(guarded: Service, fight: dict[str, str]) -> None:
    with client(guarded, "body", "qh-cx-station") as other, client(guarded, "body", fight["holder"]) as holder:
        for page in sorted(FOR_BODIES):
            path = page.format(**fight)
            strange, own = other.get(path), holder.get(path)
            assert "不肯赔" not in strange.text, page
            assert "13800009922" not in strange.text + own.text
            for name in ("call_id", "order_id", "dossier_id"):
                assert strange.text.count(fight[name]) <= (20 if fight[name] in path else 0), (page, name)
        assert "不肯赔" in holder.get(f"/orders/{fight['order_id']}").text
