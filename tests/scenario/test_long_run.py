"""The long run: every kind of fault again and again while a mixed load comes in; at the end all reconciles to zero.

FENLIU_LONG_RUN_MINUTES sets its length (30).
"""

import asyncio
import json
import os
from pathlib import Path

import pytest
from running import ROOT

from load_tests.campaign import Done, campaign, line, told
from load_tests.faults import FAULTS

MINUTES = float(os.environ.get("FENLIU_LONG_RUN_MINUTES", "30"))


def _said(one: Done) -> None:
    print(line(one), flush=True)


PER_S = 1.0
"""Calls a second: fifteen big cities. The simulated people share two cores with everything else."""


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_half_an_hour_of_faults_reconciles_to_zero(model: Path) -> None:
    run = campaign(
        model, list(FAULTS), seed=20261127, per_s=PER_S, minutes=MINUTES, each=False, shape="mixed", said=_said
    )
    done = asyncio.run(run)
    (ROOT / "build" / "long_run.json").write_text(json.dumps(told(done), ensure_ascii=False, indent=1), "utf-8")
    assert not [line(one) for one in done if one.findings]
    assert len(done) > len(FAULTS)
