"""The 110–12345 link in both directions (DOMAIN M2), with a work-order system whose interface is another one."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from running import ROOT, Service, free_port, serving, until

pytestmark = [pytest.mark.xdist_group("both_directions"), pytest.mark.timeout(240)]
EXAMPLE = ROOT / "docs" / "examples" / "connector_12345.yaml"
Json = dict[str, Any]


class WorkOrders(ThreadingHTTPServer):
    """A 12345 work-order system as others build them: own paths, own field names, an API key."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        super().__init__(("127.0.0.1", 0), _Api)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def got(self, path: str, order: str) -> list[Json]:
        return [b for p, b in list(self.calls) if p == path and (order in path or b.get("sourceNo") == order)]


class _Api(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        server: Any = self.server
        good = self.headers["x-api-key"] == "key-of-12345"
        if good and self.path.startswith("/api/gd/"):
            server.calls.append((self.path, json.loads(raw)))
        self.send_response(200 if good else 403)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def platform() -> Iterator[WorkOrders]:
    running = WorkOrders()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def connector_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, model: Path, connector_port: int) -> Iterator[Service]:
    """A service whose bodies are all reached through the connector: the table's 12345 is the one looked at."""
    folder = tmp_path_factory.mktemp("both")
    rules = folder / "rules"
    subprocess.run(["cp", "-r", str(ROOT / "rules"), str(rules)], check=True)
    bodies = rules / "bodies.yaml"
    text = bodies.read_text("utf-8").replace('endpoint: "{bodies_url}/bodies/{id}"', 'endpoint: ""')
    endpoint = f'live_transfer: true, phone: "12345", endpoint: "http://127.0.0.1:{connector_port}/fenliu"}}'
    text = text.replace('live_transfer: true, phone: "12345"}', endpoint)
    bodies.write_text(text, "utf-8")
    with serving(folder / "data", model, "--no-console", "--rules", str(rules)) as running:
        yield running


@pytest.fixture(scope="module")
def connector(own: Service, platform: WorkOrders, connector_port: int) -> Iterator[str]:
    """`fenliu connect` with the example of the documentation, as a process of its own."""
    secrets = yaml.safe_load((own.data / "body_secrets.yaml").read_text("utf-8"))
    environ = os.environ | {
        "FENLIU_URL": f"http://127.0.0.1:{own.port}",
        "FENLIU_TOKEN": own.token("body", "hot-12345"),
        "FENLIU_SECRET": secrets["hot-12345"],
        "WORK_ORDER_URL": platform.url,
        "WORK_ORDER_KEY": "key-of-12345",
        "WORK_ORDER_CALLBACK_TOKEN": "callback-of-12345",
    }
    command = [sys.executable, "-m", "engine.cli", "connect", str(EXAMPLE), "--port", str(connector_port)]
    process = subprocess.Popen(command, env=environ, cwd=ROOT)
    url = f"http://127.0.0.1:{connector_port}"
    until(lambda: _listens(url), 60)
    yield url
    process.terminate()
    process.wait(20)


def _listens(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 404
    except httpx.HTTPError:
        return False


def callback(url: str, order: str, status: str, token: str = "callback-of-12345", **more: Any) -> httpx.Response:
    told = {"sourceNo": order, "status": status, "flowId": f"{order}-{status}", **more}
    return httpx.post(f"{url}/callback", json=told, headers={"x-callback-token": token}, trust_env=False, timeout=20)


def test_a_government_matter_goes_to_12345_and_its_receipt_progress_and_result_come_back(
    own: Service, platform: WorkOrders, connector: str
) -> None:
    answer = own.answer("建议给鼓澜街道月堰新村装充电桩", caller={"phone": "13800000021"})
    order = answer["order_id"]
    assert (answer["decision"]["body"]["id"], answer["decision"]["handoff"]) == ("hot-12345", "work_order")
    created = until(lambda: platform.got("/api/gd/create", order), 30)[0]
    assert created["content"] == "建议给鼓澜街道月堰新村装充电桩"
    assert created["callerPhone"] == "13800000021", "clear contact to the body that must act"
    assert (created["urgent"], created["region"]) == (4, "wc-gl")

    assert callback(connector, order, "已受理").status_code == 200
    assert callback(connector, order, "处理中", opinion="已转街道勘察", percent=40).status_code == 200
    assert callback(connector, order, "已办结", opinion="已安排八月施工", result="done").status_code == 200
    again = callback(connector, order, "已办结", opinion="已安排八月施工", result="done")
    assert again.status_code == 200, "the same callback twice is one event"
    found = own.order(order)
    assert (found["state"], found["result"]) == ("reported", "已安排八月施工")
    told = [(e["what"], e["text"]) for e in found["line"] if e["what"] in ("order.sign", "order.note", "order.report")]
    assert told == [("order.sign", ""), ("order.note", "已转街道勘察"), ("order.report", "已安排八月施工")]
    assert [e["data"].get("progress") for e in found["line"] if e["what"] == "order.note"] == [40]


def test_the_connector_believes_nobody_without_a_secret(own: Service, connector: str) -> None:
    assert callback(connector, "O1", "已受理", token="wrong").status_code == 401
    assert callback(connector, "O1", "没有的状态").status_code == 422
    assert callback(connector, "../tokens", "已受理").status_code == 422
    assert callback(connector, "O1", "已受理").status_code == 404, "what the service says is passed on"
    assert httpx.post(f"{connector}/fenliu", json={"type": "order.sent"}, trust_env=False).status_code == 401


def test_12345_hands_a_police_matter_back_by_the_same_webhook(own: Service) -> None:
    """A suggestion turns out to be a threat: 12345 names the first order, police take it, both lines say so."""
    first = own.answer("建议给盐埠街道白埕苑装充电桩", caller={"phone": "13800000022"})
    back = own.answer(
        "市民反映盐埠街道白埕苑有人拿刀威胁装充电桩的人",
        channel="12345",
        caller={"phone": "13800000022"},
        extra={"refers_to": first["order_id"]},
    )
    assert (back["decision"]["handoff"], back["decision"]["body"]["id"]) == ("dispatch", "wc-yb-station")
    assert back["links"]["same_caller"] == 1
    assert "handed_back" in {r["code"] for r in back["decision"]["reasons"]}
    line = own.order(first["order_id"])["line"]
    assert any(e["what"] == "order.handed_back" and back["order_id"] in e["text"] for e in line)


def test_what_12345_hands_back_does_not_bounce_to_12345(own: Service) -> None:
    first = own.answer("建议给新渡街道渡口花苑装充电桩")
    back = own.answer("建议给新渡街道渡口花苑门口装充电桩", channel="12345", extra={"refers_to": first["call_id"]})
    if back["decision"]["handoff"] == "join":
        pytest.fail("a handed-back matter rides on the order it was handed back from")
    assert (back["decision"]["review"], back["decision"]["body"]["id"]) == (True, "cmd-110")
    assert "handed_back_doubtful" in {r["code"] for r in back["decision"]["reasons"]}
