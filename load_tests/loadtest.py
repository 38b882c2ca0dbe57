"""An open load test: calls start when the schedule says, whatever became of the calls before them.

Latency counts from the *scheduled* start, so that a service that makes callers wait cannot hide it (no
coordinated omission). A call that could not be started, because too many were under way, is counted as not made.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from load_tests import signing
from load_tests.bodies import wait_for_files
from load_tests.calls import SampleCall, load
from load_tests.clock import Clock
from load_tests.latency import Latencies

MOST_UNDER_WAY = 512
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_TIMEOUT_S = 30.0
_FEW = 32
"""Connections that are open before the first call, so that opening them is not what is measured."""


@dataclass(slots=True)
class Arrival:
    """One scheduled call: `due` in seconds since the start, `began` and `ended` likewise."""

    number: int
    due: float
    status: int = 0
    """0 while under way; -1 when the connection failed."""
    began: float = 0.0
    ended: float = 0.0
    order_id: str = ""
    handoff: str = ""


@dataclass(slots=True)
class Run:
    """What one run saw."""

    arrivals: list[Arrival]
    not_made: int = 0
    started_at: float = 0.0
    """Seconds since 1970 on the service's clock."""
    received: dict[str, float] = field(default_factory=dict)
    """Order id → when its body received it, seconds since 1970 on the service's clock."""


def on_loopback(url: str) -> None:
    """Raises `ValueError` for any other place: a load test is aimed at one's own machine only."""
    if urlsplit(url).hostname not in _LOOPBACK:
        raise ValueError("a load test is aimed at a service on loopback only")


async def run_load(api_url: str, data_dir: Path, due: Sequence[float], *, name: str, bodies_url: str = "") -> Run:
    """Send a call at each of the `due` seconds. `name` makes webhook ids unique among runs."""
    on_loopback(api_url)
    keys, clock = await wait_for_files(data_dir), Clock(data_dir)
    calls = load()
    limits = httpx.Limits(max_connections=MOST_UNDER_WAY, max_keepalive_connections=MOST_UNDER_WAY)
    loop, run = asyncio.get_running_loop(), Run([])
    async with httpx.AsyncClient(base_url=api_url, timeout=_TIMEOUT_S, limits=limits, trust_env=False) as http:
        await asyncio.gather(*(http.get("/healthz") for _ in range(_FEW)))
        run.started_at = clock.now()
        start, under_way, tasks = loop.time(), itertools.count(), set[asyncio.Task[None]]()

        async def one(arrival: Arrival) -> None:
            call, turn = call_of(calls, arrival.number)
            content = call.body(clock.now(), turn)
            headers = signing.headers(keys.webhook_secret, f"{name}-{arrival.number}", content, clock.now())
            arrival.began = loop.time() - start
            try:
                answer = await http.post("/v1/calls", headers=headers, content=content.encode())
                arrival.status = answer.status_code
                told = answer.json() if answer.is_success else {}
                arrival.order_id, arrival.handoff = told.get("order_id") or "", _handoff(told)
            except httpx.TransportError:
                arrival.status = -1
            arrival.ended = loop.time() - start

        for at in due:
            await asyncio.sleep(max(0.0, at - (loop.time() - start)))
            if len(tasks) >= MOST_UNDER_WAY:
                run.not_made += 1
                continue
            arrival = Arrival(next(under_way), at)
            run.arrivals.append(arrival)
            task = asyncio.create_task(one(arrival))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    if bodies_url:
        run.received = await _received(bodies_url, {a.order_id for a in run.arrivals if a.order_id})
    return run


def call_of(calls: Sequence[SampleCall], number: int) -> tuple[SampleCall, int]:
    """The calls of the play one after the other, each turn by other callers at the next house number.

    The house number keeps the turns apart: otherwise the tenth turn would be one long string of duplicates.
    """
    turn, place = divmod(number, len(calls))
    call = calls[place]
    if turn and "address" in call.location:
        address = f"{call.location['address']}{turn + 1}号"
        call = replace(call, location=call.location | {"address": address}, text=f"{call.text}，{turn + 1}号")
    return call, turn


def _handoff(answer: dict[str, Any]) -> str:
    return str((answer.get("decision") or {}).get("handoff", ""))


async def _received(bodies_url: str, orders: set[str], patience_s: float = 20.0) -> dict[str, float]:
    """When each order first came to its body; waits until nothing more comes."""
    before = -1
    async with httpx.AsyncClient(base_url=bodies_url, timeout=15, trust_env=False) as http:
        for _ in range(int(patience_s / 0.5)):
            now = (await http.get("/progress")).json()["messages"]
            if now == before:
                break
            before = now
            await asyncio.sleep(0.5)
        messages = (await http.get("/record")).json()["messages"]
    first: dict[str, float] = {}
    for message in messages:
        if message["type"] == "order.sent" and message["subject"] in orders:
            at = first.get(message["subject"], message["at"])
            first[message["subject"]] = min(at, message["at"])
    return first


def figures(run: Run) -> dict[str, Any]:
    """What a run says: rates, answers, latencies from the scheduled start, and call → order at its body."""
    answered = [a for a in run.arrivals if a.status == 200]
    opened = [a for a in answered if a.order_id in run.received and a.handoff != "join"]
    took = max((a.ended for a in run.arrivals), default=0.0)
    return {
        "scheduled": len(run.arrivals) + run.not_made,
        "not_made": run.not_made,
        "statuses": dict(Counter(str(a.status) for a in run.arrivals)),
        "failed": len(run.arrivals) - len(answered),
        "answered_per_s": round(len(answered) / took, 1) if took else 0.0,
        "answer": Latencies(a.ended - a.due for a in answered).view(),
        "service_only": Latencies(a.ended - a.began for a in answered).view(),
        "order_at_body": Latencies(run.received[a.order_id] - run.started_at - a.due for a in opened).view(),
    }


def missed_goals(shown: dict[str, Any], *, p99_ms: float, body_p99_ms: float) -> list[str]:
    """Goals that were not met, in words; 0 as a goal asks for nothing."""
    missed = []
    if shown["not_made"]:
        missed.append(f"{shown['not_made']} arrivals were not made")
    if shown["failed"]:
        missed.append(f"{shown['failed']} calls were not answered 200")
    for name, goal in (("answer", p99_ms), ("order_at_body", body_p99_ms)):
        found = shown[name].get("p99_ms")
        if goal and (found is None or found > goal):
            missed.append(f"{name}: p99 {found} ms, goal {goal:g} ms")
    return missed
