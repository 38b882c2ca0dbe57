"""Faults under load: after each nothing is lost, doubled or stuck, and a person was told what happened."""

import asyncio
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from running import ROOT

from load_tests.campaign import Done, campaign, told
from load_tests.faults import FAULTS, QUICK

SEED = 20261127


def clean(done: list[Done]) -> None:
    for one in done:
        assert one.findings == (), f"{one.fault}: {one.findings[:5]}"
        assert one.skipped or one.told or one.fault == "end", one.fault
    assert done[-1].calls > 4 * len(done), "there was load"


# Each day another: `make soak` has them all.
TODAYS = QUICK[datetime.now(UTC).toordinal() % len(QUICK)]


def test_a_sample_of_faults_under_load(model: Path) -> None:
    done = asyncio.run(campaign(model, [TODAYS], seed=SEED, per_s=4))
    assert [one.fault for one in done] == [TODAYS]
    clean(done)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_every_fault_under_load(model: Path) -> None:
    kinds = list(FAULTS)
    random.Random(SEED).shuffle(kinds)
    done = asyncio.run(campaign(model, kinds, seed=SEED))
    (ROOT / "build" / "faults.json").write_text(json.dumps(told(done), ensure_ascii=False, indent=1), "utf-8")
    clean(done)
