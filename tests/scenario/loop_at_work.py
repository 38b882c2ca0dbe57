"""What the stories of the loop work with: one service, its receiving bodies, and a 12345 system behind a connector."""

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
import msgspec
import pytest
import yaml
from running import ROOT, START_S, Service, free_port, serving, until

EXAMPLE = ROOT / "docs" / "examples" / "connector_12345.yaml"

Json = dict[str, Any]


class Bodies(ThreadingHTTPServer):
    """Every body of the city under `/bodies/{id}`."""

    def __init__(self) -> None:
        self.heard: list[Json] = []
        self.down: set[str] = set()
        """Bodies that answer 503."""
        super().__init__(("127.0.0.1", 0), _Receive)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def of(self, body: str, kind: str = "", order: str = "") -> list[Json]:
        """Messages a body took, oldest first."""
        return [
            m
            for m in list(self.heard)
            if m["body"] == body and kind in ("", m["type"]) and order in ("", m["data"].get("order_id"))
        ]

    def wait(self, body: str, kind: str, order: str = "", seconds: float = 20.0) -> Json:
        """The newest such message, once there is one."""
        found: list[Json] = until(lambda: self.of(body, kind, order), seconds)
        return found[-1]


class _Receive(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        server: Any = self.server
        body = self.path.rsplit("/", 1)[1]
        if body in server.down:
            self.send_response(503)
            self.end_headers()
            return
        server.heard.append(msgspec.json.decode(raw) | {"body": body, "headers": dict(self.headers)})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="session")
def bodies() -> Iterator[Bodies]:
    """Every body of the city but 12345."""
    running = Bodies()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


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


@pytest.fixture(scope="session")
def platform() -> Iterator[WorkOrders]:
    running = WorkOrders()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()


@pytest.fixture(scope="session")
def connector_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def guide_port() -> int:
    """Where the guide's Node body listens."""
    return free_port()


@pytest.fixture(scope="session")
def hall(
    tmp_path_factory: pytest.TempPathFactory, model: Path, bodies: Bodies, connector_port: int, guide_port: int
) -> Iterator[Service]:
    """A service whose stories move the clock; 12345 is reached through the connector, all other bodies directly."""
    folder = tmp_path_factory.mktemp("both")
    rules = folder / "rules"
    subprocess.run(["cp", "-r", str(ROOT / "rules"), str(rules)], check=True)
    table = rules / "bodies.yaml"
    text = table.read_text("utf-8")
    endpoint = f'live_transfer: true, phone: "12345", endpoint: "http://127.0.0.1:{connector_port}/fenliu"}}'
    text = text.replace('live_transfer: true, phone: "12345"}', endpoint)
    station = "name: 柳汀派出所,"
    assert station in text
    text = text.replace(station, f'{station} endpoint: "http://127.0.0.1:{guide_port}/orders",')
    table.write_text(text, "utf-8")
    arguments = ("--no-console", "--rules", str(rules))
    with serving(folder / "data", model, *arguments, FENLIU_BODIES_URL=bodies.url) as running:
        until(lambda: running.get("/units").json()["units"], 60)
        yield running


@pytest.fixture(scope="session")
def connector(hall: Service, platform: WorkOrders, connector_port: int) -> Iterator[str]:
    """`fenliu connect` with the example of the documentation, as a process of its hall."""
    secrets = yaml.safe_load((hall.data / "body_secrets.yaml").read_text("utf-8"))
    environ = os.environ | {
        "FENLIU_URL": f"http://127.0.0.1:{hall.port}",
        "FENLIU_TOKEN": hall.token("body", "hot-12345"),
        "FENLIU_SECRET": secrets["hot-12345"],
        "WORK_ORDER_URL": platform.url,
        "WORK_ORDER_KEY": "key-of-12345",
        "WORK_ORDER_CALLBACK_TOKEN": "callback-of-12345",
    }
    command = [sys.executable, "-m", "engine.cli", "connect", str(EXAMPLE), "--port", str(connector_port)]
    process = subprocess.Popen(command, env=environ, cwd=ROOT)
    url = f"http://127.0.0.1:{connector_port}"
    until(lambda: _listens(url), START_S)
    yield url
    process.terminate()
    process.wait(20)


def _listens(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 404
    except httpx.HTTPError:
        return False
