"""After the calls: wait until nobody acts, let deadlines pass, read everything back, match it one by one.

Only over HTTP: the service's lists and time lines, and the record of the simulated bodies.
"""

import asyncio
from dataclasses import asdict
from typing import Any

from load_tests.loadtest import Run
from load_tests.measures import late
from load_tests.reconcile import KINDS, Finding, reconcile
from load_tests.trial import Trial

_AHEAD_S = 1.0
"""The clock is set so long before the first deadline: what is measured passes by itself."""
_PASSING_S = 3.0
"""Deadlines so near to each other are let pass together."""
_ABOUT_DEADLINES = frozenset({"order.reminder", "order.overdue", "order.supervised"})


async def look_back(trial: Trial, run: Run, patience_s: float) -> list[Finding]:
    """Fill in what bodies received, and answer every finding of the reconciliation.

    Raises `TimeoutError` when somebody still acts after `patience_s` seconds.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    await trial.idle(deadline)
    await _pass_deadlines(trial, run)
    await trial.idle(deadline)
    seen = await trial.seen(run.sent, 0.0, 0.0)
    _note(run, seen.messages)
    return reconcile(seen, closed=False) + late(run)


async def received(trial: Trial, run: Run, patience_s: float) -> None:
    """Fill in what bodies received as soon as nothing waits to be delivered; bodies may still be at work.

    Raises `TimeoutError` when something still waits after `patience_s` seconds.
    """
    async with asyncio.timeout(patience_s):
        waiting = 1
        while waiting:
            queues = await trial.queues()
            waiting = queues["pending"] + queues["outbox"]
            await asyncio.sleep(0.2 if waiting else 0)
    _note(run, (await trial.record())["messages"])


def _note(run: Run, messages: list[dict[str, Any]]) -> None:
    run.received = first_times(messages, "order.sent", "subject")
    run.instructed = first_times(messages, "alert.instruction", "alert_id")


def first_times(messages: list[dict[str, Any]], kind: str, field: str) -> dict[str, float]:
    """When the first message of a kind about each subject came, in seconds since 1970 on the service's clock."""
    found: dict[str, float] = {}
    for message in messages:
        if message["type"] == kind and message[field]:
            found[message[field]] = min(message["at"], found.get(message[field], message["at"]))
    return found


async def _pass_deadlines(trial: Trial, run: Run) -> None:
    """Set the clock shortly before the next deadlines, and measure from each to the message about it."""
    alarms = await trial.alarms()
    if not (trial.clock.movable and alarms):
        return
    first = min(alarms.values())
    passing = {order: at for order, at in alarms.items() if at <= first + _PASSING_S}
    trial.clock.advance(max(0.0, first - _AHEAD_S - trial.clock.now()))
    await asyncio.sleep(max(0.0, max(passing.values()) - trial.clock.now()) + 1.0)
    come: dict[str, float] = {}
    for message in (await trial.record())["messages"]:
        order = message["subject"]
        if message["type"] in _ABOUT_DEADLINES and order in passing and message["at"] >= passing[order]:
            come[order] = min(come.get(order, message["at"]), message["at"])
    run.reminded = [at - passing[order] for order, at in come.items()]


def told(findings: list[Finding]) -> dict[str, Any]:
    """Findings counted by kind, with the zeros, and the first of them named."""
    counted = {kind: sum(f.kind == kind for f in findings) for kind in KINDS}
    return {"reconciliation": counted, "findings": [asdict(f) for f in findings[:200]]}
