"""kill -9 of the API, the worker and the store at random moments under load: nothing acknowledged is lost."""

import json
import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from running import Json, Service, serving, until

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
    """Sends calls without pause. A call without an answer is sent again under its id, as an integrator does."""

    def __init__(self, service: Service, name: str, seed: int) -> None:
        super().__init__(daemon=True)
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


@pytest.mark.parametrize(
    "kills", [9, pytest.param(24, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])], ids=["sample", "campaign"]
)
def test_no_acknowledged_call_is_lost_and_no_order_is_sent_as_two(tmp_path: Path, model: Path, kills: int) -> None:
    bodies = Bodies()
    threading.Thread(target=bodies.serve_forever, daemon=True).start()
    dice = random.Random(20261122)
    with serving(tmp_path / "data", model, "--no-console", FENLIU_BODIES_URL=bodies.url) as service:
        callers = [Callers(service, f"k{i}", i) for i in range(4)]
        for caller in callers:
            caller.start()
        victims = ["api-0", "worker", "store"] * (kills // 3)
        dice.shuffle(victims)
        for victim in victims:
            _let_calls_in(callers, 5)
            time.sleep(dice.uniform(0, 0.3))
            _kill_once_up(service, victim)
        for caller in callers:
            caller.stopping = True
        for caller in callers:
            caller.join(90)
        until(service.ready, 60)
        answers = {k: v for caller in callers for k, v in caller.answers.items()}
        assert not [line for caller in callers for line in caller.odd]
        assert len(answers) >= 5 * kills, "there was load between the kills"
        until(lambda: _drained(service), 60)
        _each_is_decided_once(service, answers, bodies)
    bodies.shutdown()


def _let_calls_in(callers: list[Callers], n: int) -> None:
    """Wait until `n` more calls were answered, so that each kill meets a service at work."""
    before = sum(len(c.answers) for c in callers)
    until(lambda: sum(len(c.answers) for c in callers) >= before + n, 60)


def _kill_once_up(service: Service, victim: str) -> None:
    """Kill a process that is running now (one just killed may still be on its way up)."""

    def killed() -> bool:
        try:
            service.kill(victim)
        except (ProcessLookupError, KeyError, FileNotFoundError):
            return False
        return True

    until(killed, 20)


def _drained(service: Service) -> bool:
    try:
        queues = service.get("/reports/summary").json()["queues"]
    except (httpx.HTTPError, KeyError):
        return False
    return queues["pending"] == 0 and queues["outbox"] == 0 and queues["retry"] == 0 and queues["dead"] == 0


def _each_is_decided_once(service: Service, answers: dict[str, Json], bodies: Bodies) -> None:
    sent = {seen for seen in bodies.seen if seen[1] == "order.sent"}
    by_order = Counter(order for _, _, order, _ in sent)
    orders_seen: dict[str, Json] = {}
    for answer in answers.values():
        stored = service.get(f"/calls/{answer['call_id']}").json()
        assert stored["status"] == "committed"
        assert stored["answer"] == answer, "what was acknowledged is what is stored"
        if answer["order_id"] is None:
            assert answer["decision"]["handoff"] == "none"
            continue
        order = orders_seen.setdefault(answer["order_id"], service.order(answer["order_id"]))
        assert answer["call_id"] in order["call_ids"]
        assert order["due"] is not None, "an open order always owes something by some instant"
        if order["state"] == "sent" and order["version"] == 1:
            assert by_order[order["order_id"]] == 1, "one order is sent once, under one id"
    doubled = [o for o, n in by_order.items() if n > 1 and orders_seen.get(o, {}).get("version") == 1]
    assert not doubled
    ids = {m[0] for m in sent}
    assert len(ids) == len({(m[0], m[2], m[3]) for m in sent}), "a webhook-id means one order and one body"
