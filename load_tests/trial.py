"""The client part of `fenliu try`: send, let the bodies answer, move the clock to each deadline, reconcile."""

import asyncio
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
from load_tests.seen import FINAL_ALERT, FINAL_ORDER, Seen
from load_tests.sender import CallCentre, Sent

_REPEATS = 8
_FIRST_STEP_S, _LONGEST_STEP_S = 30.0, 86_400.0
_RETRY_STEP_S = 2.0
"""How far the clock is moved when nothing waits but further tries of messages."""
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Board:
    """One look at how everything stands."""

    orders: tuple[tuple[str, int, str], ...]
    """(id, version, state) of every order."""
    open_due: tuple[float, ...]
    """Due instants of open orders, seconds since 1970."""
    open_alerts: int
    open_orders: int
    queues: dict[str, int]
    busy: int
    looks: int
    dead: int
    messages: int

    @property
    def closed(self) -> bool:
        """Whether every loop is closed."""
        return not self.open_orders and not self.open_alerts

    @property
    def still(self) -> bool:
        """Whether nobody is acting and nothing is under way."""
        return not self.busy and not self.queues["outbox"] and not self.queues["pending"]

    @property
    def retrying(self) -> bool:
        """Whether messages wait for a further try that can succeed."""
        return self.queues["retry"] > self.dead


class Trial:
    """One trial against one running service and its bodies."""

    def __init__(self, api_url: str, data_dir: Path, bodies_url: str, keys: Keys) -> None:
        self.api = Api(api_url)
        self.token = keys.by_role["admin"]
        self.clock = Clock(data_dir)
        self.centre = CallCentre(self.api, keys.webhook_secret, self.clock, f"try-{uuid.uuid4().hex[:8]}")
        self._bodies = httpx.AsyncClient(base_url=bodies_url, timeout=15, trust_env=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.api.close()
        await self._bodies.aclose()

    async def board(self) -> Board:
        """One look."""
        orders = await self.api.every("/v1/orders", "orders", self.token)
        alerts = await self.api.every("/v1/alerts", "alerts", self.token)
        queues = (await self.api.get("/v1/reports/summary", self.token))["queues"]
        progress = await self._progress()
        still_open = [o for o in orders if o["state"] not in FINAL_ORDER]
        return Board(
            orders=tuple(sorted((o["order_id"], o["version"], o["state"]) for o in orders)),
            open_due=tuple(datetime.fromisoformat(o["due"]["at"]).timestamp() for o in still_open if o["due"]),
            open_alerts=sum(a["state"] not in FINAL_ALERT for a in alerts),
            open_orders=len(still_open),
            queues=queues,
            **progress,
        )

    async def _progress(self) -> dict[str, int]:
        progress: dict[str, int] = (await self._bodies.get("/progress")).raise_for_status().json()
        return progress

    async def idle(self, deadline: float) -> Board:
        """Wait until two fresh looks of the room changed nothing. Raises `TimeoutError` at `deadline` (loop time)."""
        async with asyncio.timeout_at(deadline):
            before = await self.board()
            while True:
                await asyncio.sleep(0.1)
                now = await self.board()
                same = (now.orders, now.messages, now.open_alerts) == (
                    before.orders,
                    before.messages,
                    before.open_alerts,
                )
                if not (same and now.still):
                    before = now
                elif now.looks >= before.looks + 2:
                    return now

    async def settle(self, deadline: float) -> float:
        """Until every loop is closed: wait while people act, then move the clock. Answers how far it was moved.

        Raises `TimeoutError` when it is not closed at `deadline` (loop time).
        """
        moved, step, before = 0.0, _FIRST_STEP_S, ()
        while True:
            board = await self.idle(deadline)
            if board.closed and not board.retrying:
                return moved
            if not self.clock.movable:
                continue
            step = _FIRST_STEP_S if board.orders != before else min(step * 2, _LONGEST_STEP_S)
            before = board.orders
            ahead = next_move_s(board, self.clock.now(), step)
            self.clock.advance(ahead)
            moved += ahead
            await asyncio.sleep(0.2)  # the worker looks at its clocks every 50 ms

    async def seen(self, sent: list[Sent], moved_s: float, took_s: float) -> Seen:
        """Everything, read back."""
        repeated = [(s, await self.centre.repeat(s)) for s in _some(sent)]
        orders = await self.api.every("/v1/orders", "orders", self.token)
        alerts = await self.api.every("/v1/alerts", "alerts", self.token)
        call_ids = [s.answer["call_id"] for s in sent if s.answer]
        record = (await self._bodies.get("/record")).raise_for_status().json()
        return Seen(
            sent=sent,
            repeated=repeated,
            calls=dict(zip(call_ids, await self._each("/v1/calls", call_ids), strict=True)),
            orders=await self._each("/v1/orders", [o["order_id"] for o in orders]),
            alerts=await self._each("/v1/alerts", [a["alert_id"] for a in alerts]),
            messages=record["messages"],
            unbelieved=record["unbelieved"],
            done=record["done"],
            faults=record["faults"],
            queues=(await self.api.get("/v1/reports/summary", self.token))["queues"],
            moved_s=moved_s,
            took_s=took_s,
        )

    async def _each(self, path: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(subject: str) -> dict[str, Any]:
            async with room:
                return await self.api.get(f"{path}/{subject}", self.token)

        return list(await asyncio.gather(*(one(i) for i in ids)))


def next_move_s(board: Board, now_s: float, step_s: float) -> float:
    """How far to move the clock: a little while tries wait, else to the next deadline, else a growing step.

    An overdue order shows no instant of its next rung of supervision; growing steps meet it.
    """
    if board.retrying:
        return _RETRY_STEP_S
    ahead = [due - now_s for due in board.open_due if due > now_s]
    to_due = min(ahead) + 0.5 if ahead else step_s
    overdue = len(ahead) < len(board.open_due)
    return min(to_due, step_s) if overdue else to_due


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
    said: Callable[[str], None] = lambda _: None,
) -> Seen:
    """Send all calls, wait until every loop is closed or patience is at its end, read everything back."""
    trial = Trial(api_url, data_dir, bodies_url, await wait_for_files(data_dir))
    loop = asyncio.get_running_loop()
    began, moved = loop.time(), 0.0
    try:
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
