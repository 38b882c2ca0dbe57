"""Alerting room: what runs in a trial's own process: compile, build, run every test; then it is gone."""

import resource
import sys
import time
from pathlib import Path

import msgspec

from engine.alerting.engine import Engine
from engine.alerting.examples import run
from engine.alerting.models import load_models
from engine.alerting.trials import Trial
from engine.errors import Fault, RulesRefused
from engine.model.city import City

MEMORY = 2 << 30
"""Bytes of address space a trial may take."""


def _try(folder: Path, city: City) -> Trial:
    began = time.monotonic()
    try:
        models = load_models(folder, city)
    except RulesRefused as refused:
        return Trial(refused.faults, seconds=time.monotonic() - began)
    Engine(models, city).close()
    faults = tuple(
        Fault(f"{folder.name}/{models.sources[each.model].name}", f'test "{each.name}" fails', each.difference[0])
        for outcomes, _ in run(models, city)
        for each in outcomes
        if not each.passed
    )
    return Trial(faults, models.warnings, len(models.models), models.version, time.monotonic() - began)


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    folder, city = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[str, City])
    sys.stdout.buffer.write(msgspec.json.encode(_try(Path(folder), city)))


if __name__ == "__main__":
    _main()
