"""The client part of `fenliu try`: send, let the bodies answer, move the clock to each deadline, reconcile."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from load_tests.api import Api
from load_tests.bodies import wait_for_files
from load_tests.calls import SampleCall, load
from load_tests.clock import Clock
from load_tests.keeping import Keys
from load_tests.seen import OPEN_ALERT, OPEN_ORDER, Seen
from load_tests.sender import CallCentre, Sent

_REPEATS = 8
_RETRY_STEP_S = 10.0
"""How far the clock is moved when nothing waits but further tries of messages."""
_RING_S = 0.2
"""The worker looks at its clocks every 50 ms of real time."""
_TOGETHER_S = 5.0
"""Alarms so near to each other ring in one move of the clock."""
_LOOK_S = 0.15
_AT_ONCE = 16
_LATE_S = 0.5
"""How much later than an alarm the clock is set: the deadline is then really missed."""


@dataclass(frozen=True, slots=True)
class Board:
    """One look at what is still open."""

    orders: tuple[tuple[str, int, str], ...]
    """(id, version, state) of every open order."""
    alarms: tuple[float, ...]
    """When their clocks do something next, seconds since 1970."""
    alerts: int
    queues: dict[str, int]
    busy: int
    looks: int
    dead: int
    messages: int

    @property
    def closed(self) -> bool:
        """Whether every loop is closed."""
        return not self.orders and not self.alerts

    @property
    def still(self) -> bool:
        """Whether nobody is acting and nothing is under way."""
        return not self.busy and not self.queues["outbox"] and not self.queues["pending"]

    @property
    def retrying(self) -> bool:
        """Whether messages wait for a further try that can succeed."""
        return self.queues["retry"] > self.dead

    def same(self, other: "Board") -> bool:
        """Whether nothing happened between two looks."""
        mine, theirs = (self.orders, self.alerts, self.messages), (other.orders, other.alerts, other.messages)
        return mine == theirs


class Trial:
    """One trial against one running service and its bodies."""

    def __init__(
        self,
        api_url: str,
        data_dir: Path,
        bodies_url: str,
        keys: Keys,
        run: str,
        said: Callable[[str], None],
        *,
        patience_s: float = 60.0,
    ) -> None:
        """`patience_s` is how long an absent service is waited for."""
        self._said = said
        self.api = Api(api_url, patience_s=patience_s)
        self.token = keys.by_role["admin"]
        self.clock = Clock(data_dir)
        self.centre = CallCentre(self.api, keys.webhook_secret, self.clock, run)
        self._bodies = httpx.AsyncClient(base_url=bodies_url, timeout=60, trust_env=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.api.close()
        await self._bodies.aclose()

    async def board(self) -> Board:
        """One look."""
        progress = await self._progress()
        orders = await self._listed("/v1/orders", "orders", OPEN_ORDER)
        alerts = await self._listed("/v1/alerts", "alerts", OPEN_ALERT)
        summary = await self.api.get("/v1/reports/summary", self.token)
        return Board(
            orders=tuple(sorted((o["order_id"], o["version"], o["state"]) for o in orders)),
            alarms=tuple(datetime.fromisoformat(o["alarm_at"]).timestamp() for o in orders if o["alarm_at"]),
            alerts=len(alerts),
            queues=summary["queues"],
            **progress,
        )

    async def _listed(self, path: str, field: str, states: Sequence[str]) -> list[dict[str, Any]]:
        lists = await asyncio.gather(*(self.api.every(path, field, self.token, state=state) for state in states))
        return [one for found in lists for one in found]

    async def wait_for_bodies(self, patience_s: float = 60.0) -> None:
        """Until the bodies' process answers. Raises `TimeoutError`."""
        async with asyncio.timeout(patience_s):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await self._progress()
                    return
                await asyncio.sleep(_LOOK_S)

    async def alarms(self) -> dict[str, float]:
        """Order id → when its clock does something next, seconds since 1970."""
        orders = await self._listed("/v1/orders", "orders", OPEN_ORDER)
        return {o["order_id"]: datetime.fromisoformat(o["alarm_at"]).timestamp() for o in orders if o["alarm_at"]}

    async def queues(self) -> dict[str, int]:
        """How much waits where: outbox, retry, dead, alarms, pending."""
        found: dict[str, int] = (await self.api.get("/v1/reports/summary", self.token))["queues"]
        return found

    async def record(self) -> dict[str, Any]:
        """Everything the bodies received and did."""
        found: dict[str, Any] = (await self._bodies.get("/record")).raise_for_status().json()
        return found

    async def _progress(self) -> dict[str, int]:
        progress: dict[str, int] = (await self._bodies.get("/progress")).raise_for_status().json()
        return progress

    async def idle(self, deadline: float) -> Board:
        """Wait until two fresh looks of the room changed nothing. Raises `TimeoutError` at `deadline` (loop time)."""
        async with asyncio.timeout_at(deadline):
            before = await self.board()
            while True:
                await asyncio.sleep(_LOOK_S)
                now = await self.board()
                if not (now.same(before) and now.still):
                    before = now
                elif now.retrying and self.clock.movable:
                    self.clock.advance(_RETRY_STEP_S)
                    await asyncio.sleep(_RING_S)
                elif now.looks >= before.looks + 2 and not now.retrying:
                    return now

    async def settle(self, deadline: float) -> None:
        """Until every loop is closed: wait while people act, then move the clock to the next alarm.

        Raises `TimeoutError` when it is not closed at `deadline` (loop time).
        """
        while True:
            board = await self.idle(deadline)
            if board.closed:
                return
            if self.clock.movable and board.alarms:
                first = min(board.alarms)
                at = max(alarm for alarm in board.alarms if alarm <= first + _TOGETHER_S)
                ahead = max(0.0, at - self.clock.now()) + _LATE_S
                self.clock.advance(ahead)
                self._said(f"{len(board.orders)} orders open, nobody acts: clock moved {ahead:.0f} s")
            await asyncio.sleep(_RING_S)

    async def seen(self, sent: list[Sent], moved_s: float, took_s: float) -> Seen:
        """Everything, read back."""
        repeated = [(s, await self.centre.repeat(s)) for s in _some(sent)]
        orders = await self.api.every("/v1/orders", "orders", self.token)
        alerts = await self.api.every("/v1/alerts", "alerts", self.token)
        dossiers = await self.api.every("/v1/dossiers", "dossiers", self.token)
        call_ids = [s.answer["call_id"] for s in sent if s.answer]
        before = await self.record()
        shown_calls = dict(zip(call_ids, await self._each("/v1/calls", call_ids), strict=True))
        shown_orders = await self._each("/v1/orders", [o["order_id"] for o in orders])
        shown_alerts = await self._each("/v1/alerts", [a["alert_id"] for a in alerts])
        shown_dossiers = await self._each("/v1/dossiers", [d["dossier_id"] for d in dossiers])
        queues, record = await self.queues(), await self.record()
        return Seen(
            sent=sent,
            repeated=repeated,
            calls=shown_calls,
            orders=shown_orders,
            alerts=shown_alerts,
            dossiers=shown_dossiers,
            messages=record["messages"],
            fresh=_fresh(before["messages"], record["messages"]),
            unbelieved=record["unbelieved"],
            done=record["done"],
            faults=record["faults"],
            queues=queues,
            moved_s=moved_s,
            took_s=took_s,
        )

    async def _each(self, path: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(subject: str) -> dict[str, Any]:
            async with room:
                return await self.api.get(f"{path}/{subject}", self.token)

        return list(await asyncio.gather(*(one(i) for i in ids)))


def _fresh(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> frozenset[str]:
    known = {m["webhook_id"]: m["accepted"] for m in before}
    return frozenset(m["webhook_id"] for m in after if known.get(m["webhook_id"]) != m["accepted"])


def _some(sent: list[Sent]) -> list[Sent]:
    answered = [s for s in sent if s.answer]
    return answered[:: max(1, len(answered) // _REPEATS)]


async def run_trial(
    api_url: str,
    data_dir: Path,
    bodies_url: str,
    *,
    calls: Sequence[SampleCall] | None = None,
    at_once: int = 8,
    patience_s: float = 300.0,
    run: str = "",
    said: Callable[[str], None] = lambda _: None,
) -> Seen:
    """Send all calls, wait until every loop is closed or patience is at its end, read everything back.

    On a fresh store the same `run` name and the same seed of the bodies give the same run; without a name every
    run is another one.
    """
    trial = Trial(api_url, data_dir, bodies_url, await wait_for_files(data_dir), run or uuid.uuid4().hex[:8], said)
    loop = asyncio.get_running_loop()
    try:
        await trial.wait_for_bodies()
        began = loop.time()
        sent = await trial.centre.send_all(calls or load(), at_once=at_once)
        said(f"sent {len(sent)} calls in {loop.time() - began:.1f} s")
        before = trial.clock.offset
        try:
            await trial.settle(began + patience_s)
        except TimeoutError:
            said(f"not every loop is closed after {patience_s:.0f} s")
        moved = trial.clock.offset - before
        return await trial.seen(sent, moved, loop.time() - began)
    finally:
        await trial.close()
