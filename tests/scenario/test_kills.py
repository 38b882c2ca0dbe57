"""kill -9 of the API, the worker and the store at random moments under load: nothing acknowledged is lost."""

import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec

from running import Running, running, until

KILLS = 24
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

    def __init__(self, service: Running, name: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.service, self.prefix, self.random = service, name, random.Random(seed)
        self.answers: dict[str, dict[str, Any]] = {}
        self.odd: list[str] = []
        self.stopping = False

    def run(self) -> None:
        n = 0
        with httpx.Client(timeout=10) as http:
            while not self.stopping:
                n += 1
                text = self.random.choice(TEXTS).format(n=self.random.randrange(100, 999))
                phone = f"139{self.random.randrange(10**8):08d}"
                self._send(http, f"{self.prefix}-{n}", self.service.body(text, caller={"phone": phone}))

    def _send(self, http: httpx.Client, webhook_id: str, raw: bytes) -> None:
        for _ in range(200):
            try:
                answer = http.post(
                    f"{self.service.url}/v1/calls", content=raw, headers=self.service.signed(raw, webhook_id)
                )
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


def test_no_acknowledged_call_is_lost_and_no_order_is_sent_as_two(tmp_path: Path, model_cache: Path) -> None:
    bodies = Bodies()
    threading.Thread(target=bodies.serve_forever, daemon=True).start()
    dice = random.Random(20261122)
    environ = {"FENLIU_BODIES_URL": bodies.url}
    with running(tmp_path / "data", model_cache, environ=environ, arguments=("--no-console",)) as service:
        callers = [Callers(service, f"k{i}", i) for i in range(4)]
        for caller in callers:
            caller.start()
        victims = Counter[str]()
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.2, 1.2))
            victim = dice.choice(("api-0", "worker", "store"))
            _kill_once_up(service, victim)
            victims[victim] += 1
        for caller in callers:
            caller.stopping = True
        for caller in callers:
            caller.join(90)
        service.wait_ready()
        answers = {k: v for caller in callers for k, v in caller.answers.items()}
        assert not [line for caller in callers for line in caller.odd]
        assert len(answers) > 50, "there was load"
        assert min(victims[v] for v in ("api-0", "worker", "store")) >= 3, victims
        assert until(lambda: _drained(service), 60), _queues(service)
        _each_is_decided_once(service, answers, bodies)
    bodies.shutdown()


def _kill_once_up(service: Running, victim: str) -> None:
    """Kill a process that is running now (one just killed may still be on its way up)."""

    def killed() -> bool:
        try:
            service.kill(victim)
        except (ProcessLookupError, StopIteration, FileNotFoundError):
            return False
        return True

    assert until(killed, 20)


def _queues(service: Running) -> dict[str, int]:
    found: dict[str, int] = service.get("/v1/reports/summary").json()["queues"]
    return found


def _drained(service: Running) -> bool:
    try:
        queues = _queues(service)
    except (httpx.HTTPError, KeyError):
        return False
    return queues["pending"] == 0 and queues["outbox"] == 0 and queues["retry"] == 0 and queues["dead"] == 0


def _each_is_decided_once(service: Running, answers: dict[str, dict[str, Any]], bodies: Bodies) -> None:
    sent = {seen for seen in bodies.seen if seen[1] == "order.sent"}
    by_order = Counter(order for _, _, order, _ in sent)
    orders_seen: dict[str, dict[str, Any]] = {}
    for answer in answers.values():
        stored = service.get(f"/v1/calls/{answer['call_id']}").json()
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
