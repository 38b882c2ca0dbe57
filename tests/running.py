"""A real `fenliu serve` for tests: its own data dir, a movable clock, signed calls, tokens by role."""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).parents[1]
RULES = ROOT / "rules"
START_S = 300.0
Json = dict[str, Any]


def trained_model(cache: Path) -> Path:
    """A folder with the trained classifier of the sample city; whoever comes first trains, the others wait."""
    import classifiers
    from engine import ruleset

    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        classifiers.load(ruleset.load(RULES), cache)
    return cache


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait for another process to get somewhere; answers what `true` answered."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.03)
    raise AssertionError(f"waited {seconds} s in vain")


@dataclass
class Service:
    """One running service. Paths are given without `/v1`."""

    data: Path
    port: int
    process: "subprocess.Popen[bytes]"
    http: httpx.Client = field(init=False)
    _users: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30.0, trust_env=False)

    # --- what it says

    @property
    def log(self) -> str:
        """Everything the service and its children said, the embedded store too."""
        files = [self.data / "service.log", *sorted((self.data / "store").glob("*.log"))]
        return "\n".join(f.read_text("utf-8", "replace") for f in files if f.exists())

    def pid(self, child: str) -> int:
        """Process id of one child."""
        lines = (self.data / "pids").read_text("utf-8").splitlines()
        return int(dict(line.split(" ", 1) for line in lines)[child])

    def kill(self, child: str) -> int:
        """`kill -9` of one child by its id."""
        pid = self.pid(child)
        os.kill(pid, signal.SIGKILL)
        return pid

    # --- who asks

    def token(self, role: str, body: str = "") -> str:
        """A bearer token of a role, for `body` of that body."""
        self._users = self._users or yaml.safe_load((self.data / "tokens.yaml").read_text("utf-8"))
        return next(t for t, u in self._users.items() if u["role"] == role and (not body or u.get("body") == body))

    def auth(self, role: str, body: str = "") -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(role, body)}"}

    def get(self, path: str, role: str = "admin", body: str = "", **params: Any) -> httpx.Response:
        return self.http.get(f"/v1{path}", headers=self.auth(role, body), params=params)

    def post(
        self, path: str, value: Any, role: str = "admin", body: str = "", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        return self.http.post(f"/v1{path}", json=value, headers=self.auth(role, body) | (headers or {}))

    # --- calls

    @property
    def secret(self) -> bytes:
        text = (self.data / "webhook_secret").read_text("utf-8").strip()
        return base64.b64decode(text.removeprefix("whsec_"))

    def signed(self, raw: bytes, webhook_id: str = "", at: int | None = None) -> dict[str, str]:
        """Standard Webhooks headers, made here and not by the service's own code."""
        webhook_id = webhook_id or f"msg_{uuid.uuid4().hex}"
        stamp = str(at if at is not None else self.now_ms() // 1000)
        mac = hmac.new(self.secret, f"{webhook_id}.{stamp}.".encode() + raw, hashlib.sha256).digest()
        return {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        }

    def send(self, call: Json | bytes, webhook_id: str = "", at: int | None = None) -> httpx.Response:
        """One signed call, as a call centre sends it."""
        raw = call if isinstance(call, bytes) else json.dumps(call, ensure_ascii=False).encode()
        return self.http.post("/v1/calls", content=raw, headers=self.signed(raw, webhook_id, at))

    def call(self, text: str, *, channel: str = "110", **more: Any) -> Json:
        """The body of a call received now."""
        at = datetime.fromtimestamp(self.now_ms() / 1000, UTC).isoformat(timespec="milliseconds")
        return {"received_at": at, "channel": channel, "text": text, **more}

    def answer(self, text: str, **more: Any) -> Json:
        """Send a call and answer what the service decided."""
        got = self.send(self.call(text, **more))
        assert got.status_code == 200, got.text
        found: Json = got.json()
        return found

    def event(self, order_id: str, kind: str, role: str = "officer", body: str = "", **more: Any) -> httpx.Response:
        return self.post(f"/orders/{order_id}/events", {"type": kind, **more}, role, body)

    def order(self, order_id: str) -> Json:
        found: Json = self.get(f"/orders/{order_id}").json()
        return found

    # --- the clock

    def now_ms(self) -> int:
        """Now on the service's clock."""
        file = self.data / "clock_offset"
        offset = struct.unpack("d", file.read_bytes())[0] if file.exists() else 0.0
        return int((time.time() + offset) * 1000)

    def advance(self, seconds: float) -> None:
        """Move the service's clock forward for all its processes."""
        file = self.data / "clock_offset"
        offset = struct.unpack("d", file.read_bytes())[0]
        with file.open("r+b") as opened:
            opened.write(struct.pack("d", offset + seconds))

    # --- its life

    def ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def launch(data: Path, model: Path, *arguments: str, rules_copied: bool = False, **environ: str) -> Service:
    """Start `fenliu serve` in `data`; does not wait until it is ready."""
    data.mkdir(parents=True, exist_ok=True)
    if rules_copied:
        shutil.copytree(RULES, data / "rules", dirs_exist_ok=True)
        environ["FENLIU_RULES_DIR"] = str(data / "rules")
    if not (data / "model").exists():
        (data / "model").symlink_to(model, target_is_directory=True)
    port = free_port()
    asked = [sys.executable, "-m", "engine.cli", "serve", "--port", str(port), "--data-dir", str(data), *arguments]
    plain = {k: v for k, v in os.environ.items() if not k.startswith("FENLIU_")}
    with (data / "service.log").open("ab") as log:
        process = subprocess.Popen(
            asked,
            env=plain | {"FENLIU_MOVABLE_CLOCK": "1"} | environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    return Service(data, port, process)


@contextmanager
def serving(data: Path, model: Path, *arguments: str, rules_copied: bool = False, **environ: str) -> Iterator[Service]:
    """A service that is ready, stopped at the end."""
    service = launch(data, model, *arguments, rules_copied=rules_copied, **environ)
    try:
        until(lambda: service.ready() or service.process.poll() is not None, START_S)
        assert service.process.poll() is None, service.log
        yield service
    finally:
        service.stop()


def faults(got: httpx.Response, status: int) -> set[str]:
    """The faulty fields of a problem answer, after checking that it is one."""
    assert got.status_code == status, got.text
    assert got.headers["content-type"] == "application/problem+json"
    body = got.json()
    assert body["status"] == status
    assert re.fullmatch(r"urn:fenliu:problem:[a-z-]+", body["type"])
    assert body["title"]
    assert body["detail"]
    return {fault["where"] for fault in body["faults"]}
