"""The bodies' endpoint: believes what is signed, takes each message once, and works through the order."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from load_tests import signing
from load_tests.api import Api
from load_tests.clock import Clock
from load_tests.errands import Errands
from load_tests.personas import Cast
from load_tests.receiving import Receiver, make_app
from load_tests.record import Record

SECRET = "whsec_" + "c2VjcmV0" * 5
BODY = "qy-sc-station"
AFTER = {"sign": ["arrive", "return"], "arrive": ["report"], "report": [], "return": []}


@dataclass
class Service:
    """A service with one order, which it moves as it is told."""

    legal: list[str] = field(default_factory=lambda: ["sign", "return"])
    events: list[dict[str, Any]] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    holder: str = BODY

    async def order(self, _: Request) -> Response:
        order = {"order_id": "O1", "version": len(self.events), "matter": "police", "alert_id": None, "returns": 0}
        return JSONResponse(order | {"body": {"id": self.holder}, "legal": self.legal, "passed": self.passed})

    async def event(self, request: Request) -> Response:
        event = await request.json()
        if event["type"] not in self.legal:
            return JSONResponse({"detail": "not now", "legal": self.legal}, 409)
        self.events.append(event)
        self.legal = AFTER[event["type"]]
        if event["type"] == "return":
            self.holder = "qy-branch"
        return JSONResponse({})

    def app(self) -> Starlette:
        routes = [Route("/v1/orders/O1", self.order), Route("/v1/orders/O1/events", self.event, methods=["POST"])]
        return Starlette(routes=routes)


@dataclass
class World:
    """The bodies in front of the service, both without a network."""

    service: Service
    receiver: Receiver
    http: httpx.AsyncClient

    async def deliver(self, webhook_id: str = "msg_1", kind: str = "order.sent", **headers: str) -> httpx.Response:
        data = {"order_id": "O1", "version": 1, "alert_id": None, "body": {"id": BODY}}
        body = json.dumps({"type": kind, "timestamp": "2026-11-22T00:00:00Z", "data": data})
        signed = signing.headers(SECRET, webhook_id, body, self.receiver.clock.now())
        return await self.http.post(f"/bodies/{BODY}", content=body.encode(), headers=signed | headers)

    async def settle(self) -> list[str]:
        """What was done once nobody is busy any more."""
        await self.receiver.errands.finished()
        assert self.receiver.record.busy == 0
        return [event["type"] for event in self.service.events]


def world(tmp_path: Path, mix: Mapping[str, float], service: Service | None = None) -> World:
    service, record, cast = service or Service(), Record(), Cast(1, mix)
    api = Api("http://service", transport=httpx.ASGITransport(service.app()))
    errands = Errands(api, {BODY: "a-token", "qy-branch": "b-token"}, cast, 1e9, record)
    receiver = Receiver({BODY: SECRET}, cast, Clock(tmp_path), record, errands)
    transport = httpx.ASGITransport(make_app(receiver, {"looks": lambda: 0}))
    return World(service, receiver, httpx.AsyncClient(transport=transport, base_url="http://bodies"))


async def test_a_prompt_body_signs_arrives_and_reports(tmp_path: Path):
    it = world(tmp_path, {"prompt": 1})
    assert (await it.deliver()).status_code == 204
    assert await it.settle() == ["sign", "arrive", "report"]
    assert len(it.service.events[-1]["note"]) > 5


async def test_the_same_message_again_is_taken_and_done_once(tmp_path: Path):
    it = world(tmp_path, {"prompt": 1})
    await it.deliver()
    assert (await it.deliver()).status_code == 204
    assert await it.settle() == ["sign", "arrive", "report"]
    (message,) = (await it.http.get("/record")).json()["messages"]
    assert (message["tries"], message["accepted"], message["changed"]) == (2, 2, False)


@pytest.mark.parametrize("change", [{"webhook-signature": "v1,AAAA"}, {"webhook-timestamp": "1"}, {"webhook-id": "x"}])
async def test_what_is_not_signed_by_fenliu_is_refused_and_counted(tmp_path: Path, change: dict[str, str]):
    it = world(tmp_path, {"prompt": 1})
    assert (await it.deliver(**change)).status_code == 401
    assert await it.settle() == []
    assert sum((await it.http.get("/record")).json()["unbelieved"].values()) == 1


async def test_a_returning_body_objects_once_with_a_reason_and_lets_go(tmp_path: Path):
    it = world(tmp_path, {"returning": 1})
    await it.deliver()
    assert await it.settle() == ["return"]
    assert it.service.events[0]["data"]["reason"] in {"not_ours", "wrong_area", "insufficient"}


async def test_what_comes_back_is_done_by_the_body_that_objected(tmp_path: Path):
    it = world(tmp_path, {"returning": 1}, Service(passed=[BODY]))
    await it.deliver()
    assert await it.settle() == ["sign", "arrive", "report"]


async def test_a_silent_body_takes_the_message_and_does_nothing_until_telephoned(tmp_path: Path):
    it = world(tmp_path, {"silent": 1})
    assert (await it.deliver()).status_code == 204
    assert await it.settle() == []
    it.receiver.errands.begin(BODY, "O1", prompted=True)
    assert await it.settle() == ["sign", "arrive", "report"]


async def test_whoever_takes_over_from_a_silent_body_acts(tmp_path: Path):
    it = world(tmp_path, {"silent": 1}, Service(passed=["wc-gl-station"]))
    await it.deliver()
    assert await it.settle() == ["sign", "arrive", "report"]


async def test_a_failing_body_refuses_its_first_tries_and_then_works(tmp_path: Path):
    it = world(tmp_path, {"failing": 1})
    statuses = [(await it.deliver()).status_code for _ in range(5)]
    failures = it.receiver.cast.failures(BODY, "O1")
    assert all(status >= 429 for status in statuses[:failures])
    assert set(statuses[failures:]) == {204}
    assert await it.settle() == ["sign", "arrive", "report"]


async def test_a_dead_body_never_takes_it_and_that_is_counted(tmp_path: Path):
    it = world(tmp_path, {"dead": 1})
    assert {(await it.deliver()).status_code for _ in range(4)} == {503}
    assert (await it.http.get("/progress")).json() == {"busy": 0, "messages": 1, "dead": 1, "looks": 0}


async def test_a_reminder_is_no_new_work(tmp_path: Path):
    it = world(tmp_path, {"prompt": 1})
    await it.deliver("msg_2", "order.reminder")
    assert await it.settle() == []
