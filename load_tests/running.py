"""One run put together: drive the plan, look back, add what it cost and where it was measured."""

import uuid
from dataclasses import asdict, dataclass, replace
from typing import Any

from load_tests import machine, shapes
from load_tests.aftermath import look_back, received, told
from load_tests.bodies import wait_for_files
from load_tests.calls import load
from load_tests.loadtest import drive
from load_tests.measures import Goals, figures, missed_goals
from load_tests.own import Own
from load_tests.stepping import capacity, search
from load_tests.trial import Trial

_STEP_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a run. `name` makes its webhook ids unique."""

    plan: shapes.Plan
    goals: Goals
    reconcile: bool
    patience_s: float
    name: str


async def run(at: Own, asked: Asked) -> dict[str, Any]:
    """All figures of one run, with the goals it missed."""
    trial = Trial(at.api, at.data_dir, at.bodies, await wait_for_files(at.data_dir), asked.name, lambda _: None)
    try:
        if at.bodies:
            await trial.wait_for_bodies()
        before = machine.spent(at.data_dir)
        done = await drive(at.api, at.data_dir, asked.plan, name=asked.name)
        cost = machine.spent(at.data_dir).since(before, len(done.arrivals))
        matched: dict[str, Any] = {}
        if at.bodies and asked.reconcile:
            matched = told(await look_back(trial, done, asked.patience_s))
        elif at.bodies:
            await received(trial, done, asked.patience_s)
    finally:
        await trial.close()
    shown = {
        "shape": asked.plan.shape,
        "seconds": asked.plan.seconds,
        "faster_than_life": round(asked.plan.faster, 1),
        "machine": machine.described(),
        **figures(done),
        **cost,
        **matched,
    }
    return shown | {"missed_goals": missed_goals(shown, asked.goals)}


async def climb(at: Own, asked: Asked, start: float, p99_ms: float, seed: int) -> dict[str, Any]:
    """The step-up search; the figures are those of the last rate that held, or of the first when none did."""
    samples, seen = load(), list[dict[str, Any]]()

    async def run_at(rate: float) -> dict[str, Any]:
        plan = shapes.steady(samples, rate=rate, seconds=_STEP_S, seed=seed)
        step = replace(asked, plan=plan, reconcile=False, name=f"load-{uuid.uuid4().hex[:8]}")
        seen.append(await run(at, step))
        return seen[-1]

    steps = await search(run_at, start=start, p99_ms=p99_ms)
    best = capacity(steps)
    chosen = next((shown for shown, step in zip(seen, steps, strict=True) if step.rate == best), seen[0])
    missed = [] if best else [f"no rate held p99 {p99_ms:g} ms"]
    return chosen | {"shape": "capacity", "steps": [asdict(s) for s in steps], "capacity": best, "missed_goals": missed}
