"""Each shape of load for a moment against a real service and real bodies; then everything is matched one by one."""

import asyncio
from pathlib import Path

import pytest

from load_tests import shapes
from load_tests.aftermath import look_back
from load_tests.bodies import wait_for_files
from load_tests.calls import load
from load_tests.loadtest import Run, drive, joined
from load_tests.measures import figures
from load_tests.own import Own, own_service
from load_tests.trial import Trial

_CALLS, _SECONDS = 6, 0.6


async def _all_shapes(at: Own) -> Run:
    trial = Trial(at.api, at.data_dir, at.bodies, await wait_for_files(at.data_dir), "all", lambda _: None)
    try:
        await trial.wait_for_bodies(150)
        runs = []
        for n, name in enumerate(shapes.SHAPES):
            plan = shapes.plan(name, load(), seconds=_SECONDS, seed=n, number=_CALLS)
            runs.append(await drive(at.api, at.data_dir, plan, name=name))
        run = joined(runs)
        assert await look_back(trial, run, 200) == []
        return run
    finally:
        await trial.close()


@pytest.mark.soak
def test_every_shape_reconciles_to_nothing(model: Path) -> None:
    with own_service(model=model, seed=4, mix="prompt=0.6,slow=0.1,returning=0.1,silent=0.2") as at:
        run = asyncio.run(_all_shapes(at))
    shown = figures(run)
    assert (shown["not_made"], shown["failed"]) == (0, 0)
    assert shown["scheduled"] >= len(shapes.SHAPES) * _CALLS
    assert shown["order_at_body"]["count"] > _CALLS
    assert shown["reminder_after_deadline"]["count"] > 0, "silent bodies were reminded when their time came"
