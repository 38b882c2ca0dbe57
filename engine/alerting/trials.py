"""Alerting room: a folder of models is first tried in a process of its own, with limits on time and memory.

Whatever an author wrote, the worst is that the trial fails and says so; the running models go on.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import Fault
from engine.model.city import City

SECONDS = 30


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a trial. The models may run when there are no faults."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()
    models: int = 0
    version: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the folder may take effect."""
        return not self.faults


def trial(folder: Path, city: City, *, seconds: float = SECONDS) -> Trial:
    """Compiles the folder and runs all its tests in another process; blocks at most `seconds`."""
    task = msgspec.json.encode((str(folder), city))
    began = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "engine.alerting.trial_process"],
            input=task,
            capture_output=True,
            timeout=seconds,
            cwd=Path(__file__).parents[2],
            check=False,
        )
    except subprocess.TimeoutExpired:
        late = Fault(folder.name, f"the trial took longer than {seconds:g} s", "fewer or simpler models")
        return Trial((late,), seconds=time.monotonic() - began)
    if done.returncode != 0:
        broke = Fault(folder.name, "the trial process broke off", "the models that run stay as they are")
        return Trial((broke,), seconds=time.monotonic() - began)
    return msgspec.json.decode(done.stdout, type=Trial)
