"""The API process on a loop that measures each of its steps, for benchmarks/loop.py.

A step is what the loop runs between two looks at the clock: nobody else is served meanwhile. Its length is the
thread's processor time, so that what else the machine does is no step of ours. A timer looks twice a millisecond at
what is being run; of a step beyond the bound, what was seen is kept. The loop is asyncio's own: uvloop's cannot be
watched.

    python -m benchmarks.loop_app FD OUT
"""

import asyncio
import gc
import json
import signal
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from engine import app, settings
from engine.bounds import Limits, bounded

BOUND_NS = 1_000_000
_LOOK_S = 0.0005
_OURS = ("engine", "classifiers")


class Steps:
    """What the loop did."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.seen: list[str] = []
        self.long: Counter[str] = Counter()
        """Place → long steps in which it was seen."""
        self.longest: list[tuple[float, list[str]]] = []
        """Steps beyond ten milliseconds, and where they were."""
        self.collected = 0
        """Long steps in which the collector of garbage ran its oldest generation."""
        self._collections = 0
        self.slowed = 1.0

    def watch(self) -> None:
        """Measure every step from now on."""
        run, handle = asyncio.events.Handle._run, asyncio.events.Handle

        def measured(one: asyncio.Handle) -> None:
            self.seen.clear()
            before, collections = time.thread_time_ns(), self._collections
            run(one)
            spent = time.thread_time_ns() - before
            self.lengths.append(spent)
            if spent > BOUND_NS:
                self.long.update(set(self.seen))
                self.collected += self._collections > collections
                if spent > 10 * BOUND_NS:
                    why = ["a full collection of garbage"] if self._collections > collections else []
                    places = [f"{place} ({n} looks)" for place, n in Counter(self.seen).most_common(3)]
                    self.longest.append((spent / 1e6, why + places))

        handle._run = measured  # type: ignore[method-assign]  # every step is measured
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, _LOOK_S, _LOOK_S)
        gc.callbacks.append(self._collecting)

    def compared(self) -> float:
        """How much slower a fixed piece of work runs than its best time: neighbours share the processor's caches."""
        times = []
        for _ in range(200):
            before = time.thread_time_ns()
            sum(range(20_000))
            times.append(time.thread_time_ns() - before)
        return sorted(times)[len(times) // 2] / min(times)

    def _collecting(self, phase: str, how: dict[str, int]) -> None:
        self._collections += phase == "start" and how["generation"] == 2

    def _look(self, _: int, frame: FrameType | None) -> None:
        while frame is not None:
            parts = frame.f_code.co_filename.split("/")
            folder = next((n for n in range(len(parts) - 1, -1, -1) if parts[n] in _OURS), -1)
            if folder >= 0 and "site-packages" not in parts:
                self.seen.append(f"{'/'.join(parts[folder:])}:{frame.f_code.co_qualname}")
                return
            frame = frame.f_back
        self.seen.append("(server, loop or store connection)")

    def told(self) -> dict[str, Any]:
        """The figures."""
        ordered = sorted(self.lengths) or [0]
        long = [n for n in ordered if n > BOUND_NS]
        at = {f"p{q}": ordered[min(len(ordered) - 1, int(len(ordered) * q / 100))] / 1e6 for q in (50, 99, 99.9)}
        return {
            "steps": len(self.lengths),
            "over_1_ms": len(long),
            "over_2_ms": sum(n > 2 * BOUND_NS for n in long),
            "over_5_ms": sum(n > 5 * BOUND_NS for n in long),
            "longest_ms": ordered[-1] / 1e6,
            "length_ms": at,
            "longest": sorted(self.longest, reverse=True)[:10],
            "with_full_collection": self.collected,
            "slowed": round(self.slowed, 2),
            "where": dict(self.long.most_common(25)),
        }


def main(fd: int, out: Path) -> None:
    """Serves until SIGTERM; SIGUSR1 starts the measuring, and the figures are written at the end."""
    steps = Steps()
    chosen = settings.read()
    config = uvicorn.Config(
        app.make_app(chosen), loop="asyncio", http=bounded(Limits()), log_config=None, access_log=False
    )
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it once more when it has served
    signal.signal(signal.SIGUSR1, lambda *_: steps.watch())
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)])
    signal.setitimer(signal.ITIMER_REAL, 0)
    steps.slowed = steps.compared()
    out.write_text(json.dumps(steps.told(), ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
