"""What one decision costs the store by itself: processor time of the server for the stored functions of real decisions.

`record` walks sample calls through the service with 100 alert models and keeps every stored function called, with its
arguments and the library's text. `replay` sends recordings to fresh servers (`appendfsync always`), some commands a
trip as under load, slices of the recordings in turn: so two working copies can be compared in one run.

    python -m benchmarks.store_cost record build/new.calls [--calls 3000]
    python -m benchmarks.store_cost replay build/old.calls build/new.calls [--together 12] [--out FILE]
"""

import argparse
import asyncio
import contextlib
import json
import pickle
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from redis import Redis

from benchmarks.prepared import ROOT, prepared, running_store
from benchmarks.steps import one
from engine import app
from engine.store import embedded
from engine.store.client import LIBRARY
from load_tests import signing
from load_tests.calls import load
from load_tests.machine import described
from load_tests.shapes import usual

_SLICE = 250
"""Decisions a slice."""


async def record(folder: Path, number: int) -> dict[str, Any]:
    """The library and, for each decision, its stored functions."""
    settings, secret = prepared(folder)
    samples, calls = load(), []
    with running_store(settings.data):
        parts = await app.build(settings)
        lane, asked = parts.client._calls, []  # what goes over the wire is what is measured
        send = lane.ask

        async def heard(commands: list[tuple[Any, ...]]) -> list[Any]:
            asked.extend(commands)
            return await send(commands)

        lane.ask = heard  # type: ignore[method-assign]  # what is sent is listened to
        for n in range(number):
            call, turn = usual(samples, n)
            content = call.body(time.time(), turn)
            await one(parts.service, signing.headers(secret, f"cost-{n}", content, time.time()), content.encode(), {})
            calls.append(list(asked))
            asked.clear()
            await asyncio.sleep(0)
        await parts.client.close()
    return {"library": LIBRARY, "calls": calls}


def _cpu_us(pid: int) -> float:
    """Processor time of a process so far, to the microsecond: its ticks are too coarse for a slice."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text("ascii").split()[0]) for thread in threads) / 1000


class Server:
    """A fresh server with one recording's library."""

    def __init__(self, name: str, recording: dict[str, Any], folder: Path, stack: contextlib.ExitStack) -> None:
        self.name, self.calls = name, recording["calls"]
        self._pid = stack.enter_context(running_store(folder)).pid
        self._redis = stack.enter_context(Redis.from_url(embedded.url(folder)))
        self._redis.execute_command("FUNCTION", "LOAD", "REPLACE", recording["library"])
        self.us: list[float] = []

    def play(self, at: int, together: int) -> None:
        """One slice; its processor time a decision is noted."""
        commands = [command for call in self.calls[at : at + _SLICE] for command in call]
        before = _cpu_us(self._pid)
        for first in range(0, len(commands), together):
            pipe = self._redis.pipeline(transaction=False)
            for command in commands[first : first + together]:
                pipe.execute_command(*command)
            pipe.execute()
        self.us.append((_cpu_us(self._pid) - before) / _SLICE)

    def view(self) -> dict[str, Any]:
        """Microseconds of processor time and bytes a decision; the first quarter of the slices is warming up."""
        stats, decisions = self._redis.info("everything"), len(self.us) * _SLICE
        return {
            "us": round(statistics.median(self.us[len(self.us) // 4 :]), 1),
            "bytes": round(stats["total_net_input_bytes"] / decisions),
            "log_bytes": round(stats.get("aof_current_size", 0) / decisions),
            "functions_us": round(stats["cmdstat_fcall"]["usec"] / decisions, 1),
            "commands": {
                name.removeprefix("cmdstat_"): [round(s["calls"] / decisions, 2), round(s["usec"] / decisions, 2)]
                for name, s in sorted(stats.items(), key=lambda each: -each[1]["usec"] if "cmdstat" in each[0] else 0)
                if name.startswith("cmdstat_") and s["calls"] > decisions / 50
            },
        }


def replay(files: list[Path], folder: Path, together: int) -> dict[str, Any]:
    """The recordings beside each other; ratios are to the first."""
    with contextlib.ExitStack() as stack:
        servers = [
            Server(file.stem, pickle.loads(file.read_bytes()), folder / str(n), stack)  # noqa: S301 - our own recording
            for n, file in enumerate(files)
        ]
        for at in range(0, min(len(s.calls) for s in servers) - _SLICE + 1, _SLICE):
            for server in servers:
                server.play(at, together)
        warm = len(servers[0].us) // 4
        ratios = {s.name: [b / a for a, b in zip(servers[0].us, s.us, strict=True)][warm:] for s in servers[1:]}
        return {
            **{s.name: s.view() for s in servers},
            "ratios": {name: round(statistics.median(found), 3) for name, found in ratios.items()},
            "machine": described(),
        }


def main() -> None:
    """Records, or prints figures and writes the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("record", "replay"))
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--together", type=int, default=12)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        if given.what == "record":
            found = uvloop.run(record(Path(folder).resolve(), given.calls))
            given.files[0].write_bytes(pickle.dumps(found))
            return
        told = replay(given.files, Path(folder).resolve(), given.together)
    if given.out:
        given.out.write_text(json.dumps(told, indent=1), "utf-8")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
