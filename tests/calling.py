"""Callers who ring without pause and the bodies that take every message: load and witness of fault stories."""

import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import msgspec
from running import Json, Service

TEXTS = (
    "{n}号楼下面水管爆了",
    "鼓澜街道第{n}根路灯不亮",
    "我在听潮街道{n}号店被人打了一拳",
    "公交{n}路等了四十分钟不来",
    "刚有人骗我做任务转了{n}千块",
    "楼上{n}零二又在半夜装修",
    "盐埠街道{n}号工地凌晨打桩",
    "我家老人走丢了，穿{n}号球衣",
)


class Bodies(ThreadingHTTPServer):
    """Every receiving body at once: takes each message, remembers ids and orders."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str, str]] = []
        super().__init__(("127.0.0.1", 0), _Receive)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Receive(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        message = msgspec.json.decode(raw)
        data: dict[str, Any] = message["data"]
        found = (self.headers["webhook-id"], message["type"], data.get("order_id", ""), self.path.rsplit("/", 1)[1])
        self.server.seen.append(found)  # type: ignore[attr-defined]  # the server is a Bodies
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


class Callers(threading.Thread):
    """Sends calls one after the other. A call without an answer is sent again under its id, as an integrator does."""

    def __init__(self, service: Service, name: str, seed: int, pause: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.pause = pause
        self.service, self.prefix, self.random = service, name, random.Random(seed)
        self.url = f"http://127.0.0.1:{service.port}/v1/calls"
        self.answers: dict[str, Json] = {}
        self.odd: list[str] = []
        self.stopping = False

    def run(self) -> None:
        n = 0
        with httpx.Client(timeout=10, trust_env=False) as http:
            while not self.stopping:
                n += 1
                time.sleep(self.pause)
                text = self.random.choice(TEXTS).format(n=self.random.randrange(100, 999))
                phone = f"139{self.random.randrange(10**8):08d}"
                call = self.service.call(text, caller={"phone": phone})
                self._send(http, f"{self.prefix}-{n}", json.dumps(call, ensure_ascii=False).encode())

    def _send(self, http: httpx.Client, webhook_id: str, raw: bytes) -> None:
        for _ in range(200):
            try:
                answer = http.post(self.url, content=raw, headers=self.service.signed(raw, webhook_id))
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                self.answers[webhook_id] = answer.json()
                return
            if answer.status_code != 503:
                self.odd.append(f"{answer.status_code} {answer.text[:200]}")
            time.sleep(0.05)
        self.odd.append(f"{webhook_id} was never answered")
