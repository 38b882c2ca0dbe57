"""Who may do what: every role at every route, and a body at its own and at another's orders."""

from typing import Any

import pytest
from running import Service, faults

ROLES = ["admin", "author", "officer", "dispatcher", "body", "integrator", "reader"]
ROOM = {"admin", "officer", "dispatcher"}
WRITE = {"admin", "author", "officer"}
LOOK = ROOM | {"author", "integrator", "reader"}
EVERYBODY = LOOK | {"body"}
# (method, path, body, who may): 404 and 409 come after the question who may.
ROUTES: list[tuple[str, str, Any, set[str]]] = [
    ("GET", "/orders", None, EVERYBODY),
    ("GET", "/orders/{order}", None, EVERYBODY),
    ("GET", "/calls/{call}", None, LOOK),
    ("GET", "/alerts", None, LOOK),
    ("GET", "/alerts/A-none", None, LOOK),
    ("GET", "/dossiers", None, EVERYBODY),
    ("GET", "/dossiers/D-none", None, EVERYBODY),
    ("GET", "/dossiers/D-none/print", None, EVERYBODY),
    ("POST", "/dossiers/D-none/events", {"type": "note", "note": "x"}, ROOM | {"body"}),
    ("POST", "/calls/{call}/join", {"order_id": "O-none", "reason": "x"}, ROOM),
    ("POST", "/calls/{call}/split", {"reason": "x"}, ROOM),
    ("GET", "/orders/{order}/contact", None, {"body"}),
    ("GET", "/audit", None, {"admin", "officer"}),
    ("GET", "/reports/summary", None, LOOK),
    ("GET", "/hotspots", None, LOOK),
    ("GET", "/hotspots/patrol/O-none/effect", None, LOOK),
    ("POST", "/hotspots/patrol", {"area": "wc-gl", "hours": [20, 23], "reason": "x"}, ROOM),
    ("GET", "/reports/figures", None, LOOK),
    ("GET", "/reports/figures/received/records", None, LOOK),
    ("GET", "/reports/export", None, LOOK),
    ("GET", "/reports/bulletin", None, LOOK),
    ("GET", "/models", None, LOOK),
    ("GET", "/models/schema", None, LOOK),
    ("GET", "/models/m_none", None, LOOK),
    ("POST", "/models/m_none/check", {"text": "id: m_none"}, WRITE),
    ("POST", "/models/m_none/test", {"text": "id: m_none"}, WRITE),
    ("POST", "/models/m_none/backtest", {"text": "id: m_none"}, WRITE),
    ("PUT", "/models/m_none", {"text": "id: m_none"}, WRITE),
    ("POST", "/models/m_none/moves", {"move": "retire", "reason": "x"}, WRITE),
    ("GET", "/units", None, EVERYBODY),
    ("POST", "/units/U-none/status", {"status": "free"}, ROOM | {"body"}),
    ("GET", "/deliveries", None, EVERYBODY),
    ("GET", "/deliveries/bodies", None, LOOK),
    ("GET", "/deliveries/dead", None, LOOK),
    ("POST", "/deliveries/replay", {"message_ids": ["none"]}, ROOM),
    ("POST", "/classify", {"text": "太吵"}, LOOK),
    ("POST", "/orders/{order}/events", {"type": "note", "note": "知道了"}, ROOM | {"body"}),
    ("POST", "/orders/{order}/assign", {"body": "wc-branch", "reason": "x"}, ROOM),
    ("POST", "/calls/{call}/review", {"matter": "local", "reason": "x"}, ROOM),
    ("POST", "/alerts/A-none/review", {"verdict": "dismiss", "reason": "x"}, ROOM),
]


@pytest.fixture(scope="module")
def fight(service: Service) -> dict[str, str]:
    """A call whose order one police station holds."""
    found = service.answer("有人打架，动手打人了，头都打破了！", location={"address": "望潮区鼓澜街道"})
    return {"call": found["call_id"], "order": found["order_id"], "holder": found["decision"]["body"]["id"]}


def asked(service: Service, method: str, path: str, value: Any, headers: dict[str, str]) -> int:
    return service.http.request(method, f"/v1{path}", json=value, headers=headers).status_code


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path", "value", "may"), ROUTES, ids=[f"{m} {p}" for m, p, _, _ in ROUTES])
def test_every_role_at_every_route(
    service: Service, fight: dict[str, str], role: str, method: str, path: str, value: Any, may: set[str]
) -> None:
    headers = service.auth(role, fight["holder"] if role == "body" else "")
    status = asked(service, method, path.format(**fight), value, headers)
    assert (status != 403) == (role in may), status
    assert status in (200, 403, 404, 409) or (method, status) == ("PUT", 422)  # a text with faults is not stored


@pytest.mark.parametrize(("method", "path", "value", "may"), ROUTES, ids=[f"{m} {p}" for m, p, _, _ in ROUTES])
@pytest.mark.parametrize("token", ["", "Bearer wrong-wrong-wrong-wrong", "Basic YWRtaW46YWRtaW4="])
def test_without_a_token_nothing(
    service: Service, fight: dict[str, str], token: str, method: str, path: str, value: Any, may: set[str]
) -> None:
    headers = {"authorization": token} if token else {}
    got = service.http.request(method, f"/v1{path.format(**fight)}", json=value, headers=headers)
    faults(got, 401)
    assert got.headers["www-authenticate"] == "Bearer"


def test_every_documented_route_is_in_the_matrix(service: Service) -> None:
    documented = {
        (method.upper(), path.removeprefix("/v1"))
        for path, item in service.http.get("/openapi.json").json()["paths"].items()
        for method in item
    }
    named = {
        "{order}": "{order_id}",
        "{call}": "{call_id}",
        "A-none": "{alert_id}",
        "D-none": "{dossier_id}",
        "U-none": "{unit_id}",
        "O-none": "{order_id}",
        "m_none": "{model_id}",
        "figures/received": "figures/{figure}",
    }
    covered = set()
    for method, path, _, _ in ROUTES:
        for short, long in named.items():
            path = path.replace(short, long)
        covered.add((method, path))
    assert documented - covered == {("POST", "/calls")}, "a route without a line in the matrix above"


def test_another_body_neither_sees_nor_moves_it(service: Service, fight: dict[str, str]) -> None:
    other = "qh-cx-station"
    assert fight["holder"] != other
    order = fight["order"]
    faults(service.get(f"/orders/{order}", "body", other), 404)
    faults(service.event(order, "sign", "body", other), 404)
    assert order not in service.get("/orders", "body", other).text
    asked_for = service.http.get("/v1/orders", params={"body": fight["holder"]}, headers=service.auth("body", other))
    assert order not in asked_for.text
    assert order in service.get("/orders", "body", fight["holder"]).text
    assert service.get(f"/orders/{order}", "body", fight["holder"]).status_code == 200


def test_a_body_informed_jointly_sees_it_and_cannot_move_it(service: Service) -> None:
    found = service.answer("着火了！三楼冒浓烟，有人被困", location={"address": "望潮区鼓澜街道"})
    order = found["order_id"]
    assert service.get(f"/orders/{order}", "body", "er-119").status_code == 200, found
    faults(service.event(order, "sign", "body", "er-119"), 404)


def test_a_body_cannot_verify_its_own_work(service: Service, fight: dict[str, str]) -> None:
    for kind in ("sign", "arrive", "report"):
        got = service.event(fight["order"], kind, "body", fight["holder"], note="已处置")
        assert got.status_code == 200, got.text
    got = service.event(fight["order"], "verify", "body", fight["holder"])
    faults(got, 409)
    assert "verify" not in got.json()["legal"]
    assert service.event(fight["order"], "verify").status_code == 200


# --- own and another's, at every route that the document names

OWNED = {"order_id", "dossier_id", "unit_id", "call_id", "alert_id"}


@pytest.fixture(scope="module")
def dispute(service: Service) -> dict[str, str]:
    """A dispute at one station, with its order, its dossier and a unit of the station."""
    text = "楼上装修把我家天花板泡了，找他家谈不拢，邻居不肯赔"
    found = service.answer(
        text, location={"address": "望潮区鼓澜街道月堰新村7幢302室"}, caller={"phone": "13800009911"}
    )
    holder = found["decision"]["body"]["id"]
    unit = service.get("/units").json()["units"][0]
    ids = {"call_id": found["call_id"], "order_id": found["order_id"], "dossier_id": found["links"]["dossier_id"]}
    assert all(ids.values()), found
    return ids | {"unit_id": unit["unit_id"], "alert_id": "A-none", "holder": holder, "unit_body": unit["body"]}


def documented(service: Service) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of every route in the OpenAPI document."""
    paths: dict[str, dict[str, Any]] = service.http.get("/openapi.json").json()["paths"]
    return [(method.upper(), path, how) for path, item in paths.items() for method, how in item.items()]


def test_what_is_another_bodys_does_not_exist_at_any_route(service: Service, dispute: dict[str, str]) -> None:
    """Generated from the document: every route, with the ids of one body, asked by it and by another body."""
    values = {f"{m} {p}": value for m, p, value, _ in ROUTES}
    other = "qh-cx-station"
    assert other not in (dispute["holder"], dispute["unit_body"])
    own = [dispute[name] for name in ("call_id", "order_id", "dossier_id", "unit_id")]
    seen, hidden = set(), set()
    for method, path, how in documented(service):
        if path == "/v1/calls":
            continue  # signed, no token
        ids = {p["name"] for p in how.get("parameters", []) if p["in"] == "path"}
        there = path.format(**dispute, figure="received", model_id="m_none")
        short = there.removeprefix("/v1")
        value = values.get(f"{method} {short}") or next(
            (v for m, p, v, _ in ROUTES if m == method and p.rsplit("/", 1)[-1] == path.rsplit("/", 1)[-1]), None
        )
        strange = service.http.request(method, there, json=value, headers=service.auth("body", other))
        owner = dispute["unit_body" if "unit_id" in ids else "holder"]
        mine = service.http.request(method, there, json=value, headers=service.auth("body", owner))
        assert strange.status_code < 500, (method, path)
        assert mine.status_code < 500, (method, path)
        if ids & OWNED:
            assert strange.status_code in (403, 404), (method, path, strange.text)
            assert (mine.status_code == 403) == (strange.status_code == 403), (method, path)
            seen |= {path} if mine.status_code == 200 else set()
        said = strange.text.replace(there, "").replace("/v1" + there, "")
        leaks = [i for i in own if i in said] if strange.status_code < 400 else []
        assert not leaks, (method, path, leaks)
        hidden.add((method, path))
    assert {"/v1/orders/{order_id}", "/v1/dossiers/{dossier_id}", "/v1/units/{unit_id}/status"} <= seen
    assert len(hidden) == len(documented(service)) - 1
