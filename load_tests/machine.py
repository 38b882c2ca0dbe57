"""The machine a figure was measured on, and what the service's processes spend there."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def described() -> dict[str, Any]:
    """Processors, memory, Python, and what else the machine was doing (load average: above `cores` it was shared)."""
    words = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    model = next((line.partition(":")[2].strip() for line in words if line.startswith("model name")), "")
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * _PAGE / 2**30),
        "python": platform.python_version(),
        "system": platform.system(),
        "load_average": [round(one, 1) for one in os.getloadavg()],
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far; 0 when it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / _TICKS


def resident_mb(pid: int) -> float:
    """Memory of a process now; 0 when it is gone."""
    try:
        return round(int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE / 1e6, 1)
    except OSError:
        return 0.0


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor seconds by kind of process (`api`, `worker`, `store`, …) at one moment."""

    seconds: dict[str, float]
    resident: dict[str, float]

    def since(self, before: "Spent", calls: int) -> dict[str, Any]:
        """What a call cost each kind of process, in microseconds, and the memory it holds now."""
        each = {name: spent - before.seconds.get(name, 0.0) for name, spent in self.seconds.items()}
        return {
            "cpu_us_per_call": {name: round(one / calls * 1e6, 1) for name, one in each.items()} if calls else {},
            "resident_mb": self.resident,
        }


def spent(data_dir: Path) -> Spent:
    """Of the processes that `fenliu serve` names in the data dir's `pids`; nothing when they are elsewhere."""
    seconds: dict[str, float] = {}
    resident: dict[str, float] = {}
    file = data_dir / "pids"
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        name, _, pid = line.partition(" ")
        kind = name.partition("-")[0]
        seconds[kind] = seconds.get(kind, 0.0) + cpu_seconds(int(pid))
        resident[kind] = resident.get(kind, 0.0) + resident_mb(int(pid))
    return Spent(seconds, resident)
