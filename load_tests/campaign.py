"""A campaign: faults one after the other on one service under load; after each everything is matched one by one."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from load_tests import machine
from load_tests.bodies import wait_for_files
from load_tests.calls import SampleCall, load
from load_tests.faults import FAULTS, Scene, Silent
from load_tests.reconcile import KINDS, Finding, reconcile
from load_tests.sender import Sent
from load_tests.shapes import plan, usual
from load_tests.trial import Trial
from load_tests.world import World, own_world

_PATIENCE_S = 600.0
_CALM_S = 15.0
"""Between faults that are not matched one by one: calls come in and people act, else nobody would ever work."""
_A_TURN = 500
"""Calls of a shape before it begins anew with another seed."""


@dataclass(slots=True)
class Load:
    """The call centre: calls at a rate, each sent again under its id until it is answered."""

    trial: Trial
    per_s: float
    dice: random.Random
    calls: Iterator[SampleCall]
    sent: list[Sent] = field(default_factory=list)
    under_way: set["asyncio.Task[Sent]"] = field(default_factory=set)
    number: int = 0
    clock_was_set: bool = False
    forgotten: list[tuple[float, float]] = field(default_factory=list)
    """From when to when a disk lost what the store had written."""

    async def run(self) -> None:
        """Until cancelled; what is under way then is waited for by `rest`."""
        while True:
            await asyncio.sleep(self.dice.expovariate(self.per_s))
            self._one()

    async def send(self, number: int) -> list[Sent]:
        """So many more calls at once; answers when all are answered."""
        return list(await asyncio.gather(*(self._one() for _ in range(number))))

    def _one(self) -> "asyncio.Task[Sent]":
        self.number += 1
        sending = self.trial.centre.send(next(self.calls), self.trial.clock.now(), self.number)
        task = asyncio.create_task(sending)
        self.under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Sent]") -> None:
        self.under_way.discard(task)
        if not task.cancelled() and task.exception() is None:
            self.sent.append(task.result())

    async def rest(self) -> None:
        """Until every call is answered."""
        while self.under_way:
            await asyncio.gather(*list(self.under_way))


@dataclass(frozen=True, slots=True)
class Done:
    """One fault: who told a person, and what did not add up afterwards."""

    fault: str
    told: str
    findings: tuple[Finding, ...]
    calls: int
    """Answered so far."""
    took_s: float
    skipped: str = ""
    set_aside: int = 0
    """Findings about messages that bodies had received of a past which a disk then lost."""


async def campaign(
    model: Path,
    kinds: Sequence[str],
    *,
    seed: int,
    per_s: float = 8.0,
    minutes: float = 0.0,
    each: bool = True,
    shape: str = "",
    said: Callable[[Done], None] = lambda _: None,
) -> list[Done]:
    """The faults in this order, then drawn again and again until `minutes` are over. `each`: matched after every fault.

    `shape`: what kind of calls come in (shapes.py); without one, the city's usual ones from anywhere.
    `said` hears of each fault as soon as it is over.
    """
    dice = random.Random(seed)
    async with own_world(model, seed, console="kill_console" in kinds, disk="disk_full" in kinds) as world:
        at = world.at
        keys = await wait_for_files(at.data_dir)
        trial = Trial(at.api, at.data_dir, at.bodies, keys, f"f{seed}", lambda _: None, patience_s=_PATIENCE_S)
        calls = Load(trial, per_s, dice, _calls(shape, seed))
        try:
            await trial.wait_for_bodies(150)
            return await _all(world, trial, calls, _drawn(kinds, dice, minutes), said, each=each)
        finally:
            for task in calls.under_way:
                task.cancel()
            await trial.close()


def _calls(shape: str, seed: int) -> Iterator[SampleCall]:
    """Calls without end."""
    samples = load()
    for turn in count(seed):
        if shape:
            yield from (due.call for due in plan(shape, samples, seconds=600, seed=turn, number=_A_TURN).calls)
        else:
            yield usual(samples, random.Random(turn).randrange(20_000))[0]


def _drawn(kinds: Sequence[str], dice: random.Random, minutes: float) -> Iterator[str]:
    """The kinds once, then drawn until the time is over."""
    end = time.monotonic() + minutes * 60
    yield from kinds
    while time.monotonic() < end:
        yield dice.choice(kinds)


async def _all(
    world: World, trial: Trial, calls: Load, kinds: Iterator[str], said: Callable[[Done], None], *, each: bool
) -> list[Done]:
    done: list[Done] = []
    for kind in kinds:
        if kind == "disk_full" and not world.disk:
            done.append(Done(kind, "", (), len(calls.sent), 0.0, "a small disk needs root and mount; not done here"))
            continue
        done.append(await _one(world, trial, calls, kind, match=each))
        said(done[-1])
    if not each:
        found, aside = await _matched(trial, calls)
        done.append(Done("end", "", tuple(found), len(calls.sent), 0.0, set_aside=aside))
    return done


async def _one(world: World, trial: Trial, calls: Load, kind: str, *, match: bool) -> Done:
    began = time.monotonic()
    scene = Scene(world, trial, calls.dice, calls.send, calls.sent, len(world.incidents()), calls.forgotten)
    calls.clock_was_set |= kind.startswith("clock_")
    load_goes_on = asyncio.create_task(calls.run())
    findings: list[Finding] = []
    told, aside = "", 0
    try:
        await calls.send(2)
        await asyncio.sleep(calls.dice.uniform(0, 0.3))
        told = await FAULTS[kind](scene)
        await calls.send(3)
        if not match:
            await asyncio.sleep(_CALM_S)
    except Silent as error:
        findings.append(Finding("untold", kind, str(error)))
    finally:
        load_goes_on.cancel()
    await world.until_ready()
    await calls.rest()
    if match:
        found, aside = await _matched(trial, calls)
        findings += found
    return Done(kind, told, tuple(findings), len(calls.sent), round(time.monotonic() - began, 1), set_aside=aside)


async def _matched(trial: Trial, calls: Load) -> tuple[list[Finding], int]:
    """Everybody comes to rest, then everything is matched; also how many findings a lost past explains."""
    try:
        await trial.idle(asyncio.get_running_loop().time() + _PATIENCE_S)
    except TimeoutError:
        return [Finding("stuck", "everything", f"did not come to rest within {_PATIENCE_S:.0f} s")], 0
    seen = await trial.seen(calls.sent, 0.0, 0.0)
    found = [f for f in reconcile(seen, closed=False) if not (calls.clock_was_set and _stale(f))]
    past = of_a_lost_past(seen.messages, calls.forgotten)
    kept = [f for f in found if f.subject not in past]
    return kept, len(found) - len(kept)


def of_a_lost_past(messages: Sequence[dict[str, Any]], forgotten: Sequence[tuple[float, float]]) -> frozenset[str]:
    """Ids of messages, and of the orders and alerts they were about, that bodies received while a disk lost everything.

    The store knows nothing of them; what happens to these orders afterwards is told anew, maybe otherwise. Calls are
    never among them: each is sent again until it is answered, and must be there.
    """
    told = [m for m in messages if any(start <= m["at"] <= end for start, end in forgotten)]
    return frozenset(name for m in told for name in (m["webhook_id"], m["subject"], m["alert_id"]) if name)


def _stale(finding: Finding) -> bool:
    """A message signed before the clock was set came after it: its body refused it once, and got it at the next try."""
    return finding.kind == "unbelieved" and "webhook-timestamp" in finding.text


def told(done: Sequence[Done]) -> dict[str, Any]:
    """For JSON: each fault, and all findings counted by kind with the zeros."""
    counted = {kind: sum(f.kind == kind for d in done for f in d.findings) for kind in (*KINDS, "untold")}
    return {
        "machine": machine.described(),
        "calls": max((d.calls for d in done), default=0),
        "reconciliation": counted,
        "clean": not any(d.findings for d in done),
        "faults": [asdict(d) | {"findings": [asdict(f) for f in d.findings[:20]]} for d in done],
    }


def line(done: Done) -> str:
    """One fault for a person at a terminal."""
    if done.skipped:
        return f"skip {done.fault}: {done.skipped}"
    found = "; ".join(f"{f.kind} {f.subject}: {f.text}" for f in done.findings[:5])
    return (
        f"{'BAD ' if found else 'ok  '} {done.fault:16} {done.took_s:6.1f} s  {done.calls} calls  {found or done.told}"
    )
