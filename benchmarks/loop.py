"""How often the loop of an API process is held up for more than a millisecond under 100 calls a second, and by what.

The service with 100 alert models on a real durable store; calls come by a plan that waits for nobody. What is measured
and how is in benchmarks/loop_app.py.

    python -m benchmarks.loop [--rate 100] [--seconds 10] [--out build/bench_loop.json]
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.full_path import Calls, Side, closed, open_arrivals, process, until_ready
from benchmarks.prepared import ROOT, prepared, running_store
from engine import settings as settings_room
from engine.model.values import replace
from engine.supervisor import listen
from load_tests import arrivals
from load_tests.latency import Latencies
from load_tests.machine import described
from load_tests.wire import Wire


async def measure(rate: float, seconds: float, folder: Path) -> dict[str, Any]:
    """The figures of one run."""
    settings, secret = prepared(folder)
    opened, out = listen("127.0.0.1", 0), folder / "steps.json"
    port = opened.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environ = settings_room.as_environ(replace(settings, port=str(port)))
    command = [sys.executable, "-m", "benchmarks.loop_app", str(opened.fileno()), str(out)]
    with running_store(settings.data) as _, process(command, environ, folder / "log", (opened.fileno(),)) as api:
        wire, calls = Wire(url), Calls(secret, Wire(url))
        await until_ready(wire, "/v1/calls")
        await closed(wire, calls.stock(400, "/v1/calls"), 30, None)
        os.kill(api, signal.SIGUSR1)
        await asyncio.sleep(0.5)
        side = Side("full", url, "/v1/calls", (api,), "")
        arrived = await open_arrivals(side, calls, wire, arrivals.schedule(rate, seconds, 7))
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    sent = round(rate * seconds)
    found |= {
        "rate": rate,
        "calls": sent,
        "failed": side.failed,
        "latency_ms": Latencies(arrived.answered).view(),
        "machine": described(),
    }
    return found | {"over_1_ms_per_100_calls": round(100 * found["over_1_ms"] / sent, 2)}


def main() -> None:
    """Prints the figures and writes the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench_loop.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fenliu-loop-") as folder:
        found = uvloop.run(measure(given.rate, given.seconds, Path(folder)))
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")
    lengths = ", ".join(f"{name} {ms:.2f} ms" for name, ms in found["length_ms"].items())
    print(f"{found['calls']} calls at {found['rate']:g}/s, {found['failed']} failed; {found['steps']} steps: {lengths}")
    print(
        f"over 1 ms: {found['over_1_ms']} ({found['over_1_ms_per_100_calls']} in 100 calls), over 2 ms:"
        f" {found['over_2_ms']}, over 5 ms: {found['over_5_ms']}, longest {found['longest_ms']:.1f} ms;"
        f" with a full collection of garbage: {found['with_full_collection']}"
    )
    print(
        f"processor time of a fixed piece of work, median over best: {found['slowed']} (load {os.getloadavg()[0]:.1f})"
    )
    for spent, places in found["longest"]:
        print(f"  {spent:6.1f} ms: {'; '.join(places)}")
    for place, n in found["where"].items():
        print(f"  {n:5} long steps saw {place}")


if __name__ == "__main__":
    main()
