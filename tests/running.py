"""A real `fenliu serve` in a folder of its own, for tests: started, asked, killed piece by piece, stopped."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).parent.parent
PHONE = "13800001234"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass
class Running:
    """One running service. Its clock is moved by `advance`, never waited for."""

    folder: Path
    port: int
    environ: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    rules: Path = ROOT / "rules"
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "service.log").read_text(encoding="utf-8", errors="replace")

    def start(self, *, ready: bool = True) -> "Running":
        environ = os.environ | {"FENLIU_MOVABLE_CLOCK": "1"} | self.environ
        command = [sys.executable, "-m", "engine.cli", "serve", "--data-dir", str(self.folder), "--port", str(self.port)]
        command += ["--rules", str(self.rules), *self.arguments]
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environ, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, f"the service ended:\n{self.log[-3000:]}"
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready after {seconds} s:\n{self.log[-3000:]}")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def pid(self, name: str) -> int:
        """Process id of one child (`store`, `api-0`, `worker`)."""
        lines = (self.folder / "pids").read_text().split("\n")
        return int(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))

    def kill(self, name: str) -> None:
        """kill -9 of one child this service started."""
        os.kill(self.pid(name), signal.SIGKILL)

    # --- clock

    def now(self) -> float:
        raw = (self.folder / "clock_offset").read_bytes() if (self.folder / "clock_offset").exists() else bytes(8)
        return time.time() + float(struct.unpack("d", raw)[0])

    def advance(self, seconds: float) -> None:
        path = self.folder / "clock_offset"
        with path.open("r+b") as file:
            ahead = struct.unpack("d", file.read(8))[0]
            file.seek(0)
            file.write(struct.pack("d", ahead + seconds))

    # --- asking

    def secret(self) -> bytes:
        return base64.b64decode((self.folder / "webhook_secret").read_text().strip().removeprefix("whsec_"))

    def token(self, role: str, body: str = "") -> str:
        users = yaml.safe_load((self.folder / "tokens.yaml").read_text())
        return next(t for t, u in users.items() if u["role"] == role and u.get("body", "") == body)

    def headers(self, role: str = "officer", body: str = "") -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(role, body)}"}

    def get(self, path: str, role: str = "officer", body: str = "") -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=self.headers(role, body), timeout=10)

    def post(self, path: str, json: Any, role: str = "officer", body: str = "", **more: str) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", json=json, headers=self.headers(role, body) | more, timeout=10)

    def order(self, order_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/v1/orders/{order_id}").raise_for_status().json()
        return found

    def event(self, order_id: str, kind: str, role: str = "officer", body: str = "", **more: Any) -> httpx.Response:
        return self.post(f"/v1/orders/{order_id}/events", {"type": kind, **more}, role, body)

    def signed(self, raw: bytes, webhook_id: str, at: float | None = None) -> dict[str, str]:
        stamp = str(int(self.now() if at is None else at))
        mac = hmac.new(self.secret(), f"{webhook_id}.{stamp}.".encode() + raw, hashlib.sha256).digest()
        signature = "v1," + base64.b64encode(mac).decode()
        return {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": stamp,
            "webhook-signature": signature,
        }

    def send_raw(self, raw: bytes, webhook_id: str | None = None, **more: Any) -> httpx.Response:
        webhook_id = webhook_id or f"t{time.time_ns()}"
        return httpx.post(f"{self.url}/v1/calls", content=raw, headers=self.signed(raw, webhook_id), timeout=10, **more)

    def body(self, text: str, **more: Any) -> bytes:
        at = datetime.fromtimestamp(self.now(), UTC).isoformat()
        body = {"received_at": at, "channel": "110", "text": text, "caller": {"phone": PHONE}} | more
        return json.dumps(body, ensure_ascii=False).encode()

    def call(self, text: str, webhook_id: str | None = None, **more: Any) -> dict[str, Any]:
        answer = self.send_raw(self.body(text, **more), webhook_id)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def until(true: Any, seconds: float = 20.0, every: float = 0.05) -> Any:
    """Ask until the answer is true; the last answer (true or not)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        time.sleep(every)
    return true()


def with_model(folder: Path, cache: Path) -> Path:
    """A data dir that shares one trained model with all other tests."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    cache.mkdir(parents=True, exist_ok=True)
    if not (folder / "model").exists():
        (folder / "model").symlink_to(cache, target_is_directory=True)
    return folder


@contextmanager
def running(folder: Path, cache: Path, **options: Any) -> Iterator[Running]:
    """A service for the length of a with-block."""
    service = Running(with_model(folder, cache), free_port(), **options)
    try:
        yield service.start()
    finally:
        service.stop()
        shutil.rmtree(folder / "store", ignore_errors=True)
