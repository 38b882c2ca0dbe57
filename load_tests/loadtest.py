"""An open load test: calls start when the plan says, whatever became of the calls before them.

Latency counts from the *scheduled* start, so that a service that makes callers wait cannot hide it (no
coordinated omission). A call that could not be started, because too many were under way, is counted as not made.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from load_tests import signing
from load_tests.bodies import wait_for_files
from load_tests.clock import Clock
from load_tests.sender import PATH, Sent
from load_tests.shapes import Due, Plan
from load_tests.wire import Wire

MOST_UNDER_WAY = 512
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_FEW = 32
"""Connections that are open before the first call, so that opening them is not what is measured."""


@dataclass(slots=True)
class Arrival:
    """One scheduled call: `due` in seconds since the start, `began` and `ended` likewise."""

    number: int
    due: float
    status: int = 0
    """0 while under way and when there was no answer."""
    began: float = 0.0
    ended: float = 0.0
    sent: Sent | None = None
    tag: str = "city"

    @property
    def answer(self) -> dict[str, Any]:
        """What the service answered; empty when it did not."""
        return self.sent.answer if self.sent is not None else {}

    @property
    def order_id(self) -> str:
        """The order it was told."""
        return str(self.answer.get("order_id") or "")

    @property
    def handoff(self) -> str:
        """How its matter was handed over."""
        return str((self.answer.get("decision") or {}).get("handoff", ""))


@dataclass(slots=True)
class Run:
    """What one run saw."""

    arrivals: list[Arrival]
    not_made: int = 0
    started_at: float = 0.0
    """Seconds since 1970 on the service's clock."""
    lag_s: float = 0.0
    """How far the driver itself was behind its plan at the worst: beyond some milliseconds it is what is measured."""
    received: dict[str, float] = field(default_factory=dict)
    """Order id → when its body received it, seconds since 1970 on the service's clock."""
    instructed: dict[str, float] = field(default_factory=dict)
    """Alert id → when a body received its instruction."""
    reminded: list[float] = field(default_factory=list)
    """Seconds from each deadline (or reminder's instant) that passed to the message about it."""

    @property
    def sent(self) -> list[Sent]:
        """Every call that was started, with its answer or refusal."""
        return [a.sent for a in self.arrivals if a.sent is not None]


def on_loopback(url: str) -> None:
    """Raises `ValueError` for any other place: a load test is aimed at one's own machine only."""
    if urlsplit(url).hostname not in _LOOPBACK:
        raise ValueError("a load test is aimed at a service on loopback only")


async def drive(api_url: str, data_dir: Path, plan: Plan, *, name: str) -> Run:
    """Send every call of the plan when it is due. `name` makes webhook ids unique among runs."""
    on_loopback(api_url)
    keys, clock, wire = await wait_for_files(data_dir), Clock(data_dir), Wire(api_url)
    await wire.warm(_FEW)
    loop, run, tasks = asyncio.get_running_loop(), Run([]), set[asyncio.Task[None]]()
    run.started_at, start = clock.now(), loop.time()

    async def one(arrival: Arrival, due: Due) -> None:
        # Played faster than life: the last call comes in now, the first as long ago as the span is long.
        content = due.call.body(run.started_at + plan.seconds - plan.span_s + due.since, due.turn)
        arrival.sent = Sent(due.call, f"{name}-{arrival.number}", content)
        headers = signing.headers(keys.webhook_secret, arrival.sent.webhook_id, content, clock.now())
        arrival.began = loop.time() - start
        answer = await wire.send(wire.request(PATH, headers, content.encode()))
        arrival.ended = loop.time() - start
        arrival.status = answer.status
        _keep(arrival.sent, answer.status, answer.body)

    for number, due in enumerate(plan.calls):
        await asyncio.sleep(max(0.0, due.at - (loop.time() - start)))
        run.lag_s = max(run.lag_s, loop.time() - start - due.at)
        if len(tasks) >= MOST_UNDER_WAY:
            run.not_made += 1
            continue
        arrival = Arrival(number, due.at, tag=due.tag)
        run.arrivals.append(arrival)
        task = asyncio.create_task(one(arrival, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    wire.close()
    return run


def _keep(sent: Sent, status: int, body: bytes) -> None:
    if status == 200:
        sent.answer = json.loads(body)
    else:
        sent.refusal = f"HTTP {status}" if status else "no answer"


def joined(runs: Sequence[Run]) -> Run:
    """Runs one after the other as one, counted from the start of the first."""
    found = Run([], sum(r.not_made for r in runs), runs[0].started_at, max(r.lag_s for r in runs))
    for run in runs:
        ahead = run.started_at - found.started_at
        for a in run.arrivals:
            moved = replace(a, due=a.due + ahead, began=a.began + ahead, ended=a.ended + ahead)
            found.arrivals.append(moved)
    return found
