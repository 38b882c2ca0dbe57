"""The faults: each is done to a world under load, waits until it is over, and says who told a person of it.

A fault ends with the service able to work; whether nothing was lost is then matched one by one (campaign.py).
"""

import asyncio
import json
import random
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from load_tests.sender import Sent
from load_tests.trial import Trial
from load_tests.world import World

_LONG_S = 240.0
_CITY = "{cj}:"
_FULL = 40
"""Messages that wait at once when queues count as full here: several times what one body may have under way."""


class Silent(Exception):
    """Nobody told a person of the fault."""


@dataclass(slots=True)
class Scene:
    """What a fault has at hand. `send` sends that many more calls and answers when they are answered."""

    world: World
    trial: Trial
    dice: random.Random
    send: Callable[[int], Coroutine[Any, Any, list[Sent]]]
    sent: list[Sent]
    """Every call answered so far."""
    seen_until: int = 0
    """Incidents written down before this fault."""
    forgotten: list[tuple[float, float]] = field(default_factory=list)
    """From when to when (seconds since 1970 on the service's clock) a disk lost what the store had written."""

    async def told(self, what: str, subject: str = "", seconds: float = _LONG_S) -> str:
        """The incident that was written down for people since the fault began. Raises `Silent`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            for one in self.world.incidents()[self.seen_until :]:
                if one["what"] == what and one["subject"].startswith(subject):
                    return f"operations: {one['subject']} {what}: {one['text']}"
            await asyncio.sleep(0.1)
        raise Silent(f"no incident {what} {subject}: {self.world.incidents()[self.seen_until :]}")

    async def summary(self, true: Callable[[dict[str, Any]], Any], seconds: float = _LONG_S) -> Any:
        """What the summary shows, once it shows it. Raises `Silent`."""
        deadline = asyncio.get_running_loop().time() + seconds
        found: dict[str, Any] = {}
        while asyncio.get_running_loop().time() < deadline:
            found = await self.trial.api.get("/v1/reports/summary", self.trial.token)
            if shown := true(found):
                return shown
            await asyncio.sleep(0.1)
        shown = {name: found.get(name) for name in ("queues", "rules", "undecided")}
        raise Silent(f"the summary does not show it: {shown}")


Fault = Callable[[Scene], Awaitable[str]]


def _killed(name: str) -> Fault:
    async def fault(scene: Scene) -> str:
        await scene.world.kill(name)
        return await scene.told("ended", name)

    return fault


async def _kill_supervisor(scene: Scene) -> str:
    """Everything dies with it; whoever runs the service (systemd, a person) starts it again."""
    await scene.world.stop(signal.SIGKILL)
    await scene.world.start()
    return await scene.told("not_stopped")


async def _restart_store(scene: Scene) -> str:
    await scene.world.kill("store", signal.SIGTERM)
    return await scene.told("ended", "store")


async def _fill_disk(scene: Scene) -> str:
    """The store's disk is full for two seconds: nothing is acknowledged, and it says why."""
    ballast = await asyncio.to_thread(scene.world.fill_disk)
    try:
        sending = asyncio.create_task(scene.send(2))
        said = await scene.told("ended", "store")
        await asyncio.sleep(1.0)
    finally:
        ballast.unlink()
    await sending
    return said


async def _tear_log(scene: Scene) -> str:
    """The machine died while the store wrote: half a record stands at the end of its log."""
    await scene.world.stop(signal.SIGKILL)
    file = scene.world.log_files()[-1]
    with file.open("ab") as opened:
        opened.write(b"*3\r\n$3\r\nSET\r\n$4\r\nnev")
    await scene.world.start()
    return await scene.told("log_repaired")


async def _cut_log(scene: Scene) -> str:
    """The disk lost what was written last, an acknowledged call too: sent again under its id it is the same call."""
    cut = False
    while not cut:
        known, file = len(scene.sent), scene.world.log_files()[-1]
        size, began = file.stat().st_size, scene.trial.clock.now()
        await scene.send(1)
        await scene.world.stop(signal.SIGKILL)
        cut = scene.world.log_files()[-1] == file  # else the store began a new file meanwhile: try again
        if cut:
            with file.open("r+b") as opened:
                opened.truncate(size + scene.dice.randrange(1, 40))
            scene.forgotten.append((began, scene.trial.clock.now()))
        await scene.world.start()
    for sent in scene.sent[known:]:
        sent.answer = await scene.trial.centre.repeat(sent)
    return await scene.told("log_repaired")


async def _slow_store(scene: Scene) -> str:
    """The store takes seconds for everything."""
    scene.world.tell_store(("CLIENT", "PAUSE", "7000", "ALL"))
    await scene.send(1)
    return await scene.told("store_away")


async def _set(scene: Scene, seconds: float) -> str:
    """A worker notices a clock that is set while it looks; one on its way up takes the time as it finds it."""
    await scene.world.until_beats("worker")
    scene.seen_until = len(scene.world.incidents())
    scene.world.set_clock(seconds)
    return await scene.told("clock_set")


async def _clock_forward(scene: Scene) -> str:
    return await _set(scene, 900)


async def _clock_back(scene: Scene) -> str:
    said = await _set(scene, -120)
    await scene.send(3)
    await _set(scene, 120)
    return said


async def _cut_network(scene: Scene) -> str:
    """No body can be reached for a while."""
    scene.world.proxy.cut()
    try:
        await scene.send(6)
        waiting = await scene.summary(lambda s: s["queues"]["retry"] > 0 and s["queues"])
    finally:
        scene.world.proxy.heal()
    return f"operations: {waiting['retry']} messages wait for another try"


async def _full_queues(scene: Scene) -> str:
    """No body can be reached while many calls come in: the queues grow, calls are taken as ever."""
    scene.world.proxy.cut()
    try:
        await scene.send(_FULL)
        waiting = await scene.summary(lambda s: s["queues"]["retry"] + s["queues"]["outbox"] > _FULL and s["queues"])
    finally:
        scene.world.proxy.heal()
    return f"operations: {waiting['outbox'] + waiting['retry']} messages wait"


async def _poison(scene: Scene) -> str:
    """Bodies that no call centre sends, and a stored call that makes every reader fail."""
    bad = ("", "null", "[]", "{", '{"text": 7}', '{"received_at":"x","channel":"110","text":"a"}', "[" * 20_000)
    centre = scene.trial.centre
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        for n, body in enumerate((*bad, json.dumps({"text": "\u0000" * 9, "channel": "110"}))):
            sent = Sent(None, f"poison-{scene.dice.random()}-{n}", body)  # type: ignore[arg-type]  # it is no call
            headers = centre.signed(sent)
            answer = await http.post(f"{scene.world.at.api}/v1/calls", headers=headers, content=body)
            if not 400 <= answer.status_code < 500:
                raise Silent(f"{body[:40]!r} was answered {answer.status_code}")
    poison = f"POISON{scene.dice.randrange(10**6)}"  # a worker tells of each call once
    stored = f"{_CITY}call:{poison}"
    scene.world.tell_store(
        ("HSET", stored, "body", '{"call": 7', "status", "accepted", "tries", "0", "at", "1"),
        ("ZADD", f"{_CITY}pending", "1", poison),
    )
    try:
        said = await scene.told("undecided", poison)
        await scene.summary(lambda s: [call for call in s["undecided"] if call["call_id"] == poison])
        await scene.send(2)
    finally:
        scene.world.tell_store(("ZREM", f"{_CITY}pending", poison), ("DEL", stored))
    return said


def _halved(file: Path) -> str:
    """The whole text, of which only half stands in the file now."""
    whole = file.read_text("utf-8")
    file.write_text(whole[: len(whole) // 2] + "\n  - {half", "utf-8")
    return whole


async def _half_rules(scene: Scene) -> str:
    """Somebody's editor wrote half a file: the old rules stay, the fault is named with its place."""
    name = scene.dice.choice(("duties.yaml", "areas.yaml", "taxonomy.yaml"))
    whole = _halved(scene.world.rules / name)
    try:
        fault = await scene.summary(lambda s: s["rules"]["fault"])
        await scene.send(2)
    finally:
        scene.world.write_rules(name, whole)
    await scene.summary(lambda s: not s["rules"]["fault"])
    if name not in fault:
        raise Silent(f"the fault does not name {name}: {fault[:200]}")
    return f"operations: {fault.splitlines()[0][:120]}"


FAULTS: dict[str, Fault] = {
    "kill_api": _killed("api-0"),
    "kill_worker": _killed("worker"),
    "kill_store": _killed("store"),
    "kill_console": _killed("console"),
    "kill_supervisor": _kill_supervisor,
    "restart_store": _restart_store,
    "disk_full": _fill_disk,
    "torn_log": _tear_log,
    "cut_log": _cut_log,
    "slow_store": _slow_store,
    "clock_forward": _clock_forward,
    "clock_back": _clock_back,
    "network_cut": _cut_network,
    "full_queues": _full_queues,
    "poisoned_call": _poison,
    "half_rules": _half_rules,
}
QUICK = ("half_rules", "poisoned_call", "clock_forward")
"""Faults that need no start of a process: the seeded sample of the ordinary run is drawn from them (tests/scenario/
test_kills.py kills API, worker and store, whose starts cost ten seconds of processor time)."""
