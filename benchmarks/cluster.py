"""A call's two stored functions on a Redis Cluster beside a standalone server: calls for a second of processor time.

Both sides are real servers with `appendfsync always`, driven by the same client code with the same calls at the same
concurrency, in slices that alternate. Counted is the processor time of the client and of the server that has the city:
on the Cluster its master, which also feeds a replica. What the replicas spend is printed beside it. Goal: 0.85.

    python -m benchmarks.cluster [--rounds 6] [--seconds 1.5] [--out build/bench_cluster.json]
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "unit" / "store")]

from clustering import Cluster, clustered
from running import until
from test_accepting import T0, take
from test_committing import a_message, an_order, an_outcome

from engine.model.change import Change
from engine.store import commits
from engine.store.client import Client
from load_tests.machine import cpu_seconds, described

GOAL, AT_ONCE = 0.85, 32


@dataclass
class Side:
    """One kind of store. `servers` are counted, `beside` only printed."""

    client: Client
    servers: list[int]
    beside: list[int]
    city: str = "stadt"
    calls: int = 0

    async def slice(self, seconds: float) -> dict[str, float]:
        """Calls and processor seconds of one slice."""
        end, before, first = time.monotonic() + seconds, self._spent(), self.calls
        await asyncio.gather(*(self._ring(end) for _ in range(AT_ONCE)))
        spent = [after - was for after, was in zip(self._spent(), before, strict=True)]
        return {"calls": self.calls - first, "client": spent[0], "server": spent[1], "beside": spent[2]}

    def _spent(self) -> tuple[float, float, float]:
        return time.process_time(), sum(map(cpu_seconds, self.servers)), sum(map(cpu_seconds, self.beside))

    async def _ring(self, end: float) -> None:
        while time.monotonic() < end:
            self.calls += 1
            n = self.calls
            await take(self.client, self.city, n)
            order, message = an_order(self.city, n), a_message(self.city, n)
            change = Change(outcome=an_outcome(f"C{n}"), orders=(order,), messages=(message,))
            await commits.commit(self.client, self.city, change, now=T0, answer=b"{}", received_at=T0)


def _per_cpu(one: dict[str, float]) -> float:
    return one["calls"] / (one["client"] + one["server"])


async def measured(cluster: Cluster, alone: str, alone_pid: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Medians over the rounds, and the ratio of each round's neighbours."""
    plain, other, sure = Client(alone), Client(cluster.url), Client(cluster.url, replicas_ack=1)
    for client in (plain, other, sure):
        await client.open()
    master = cluster.servers[cluster.master_of("stadt")].pid
    others = [s.pid for s in cluster.servers.values() if s.pid != master]
    sides = {
        "standalone": Side(plain, [alone_pid], []),
        "cluster": Side(other, [master], others),
        "cluster, one replica confirms": Side(sure, [master], others, calls=10**6),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            one = await side.slice(seconds)
            found[name] += [one] if turn else []  # the first round only warms up
    for client in (plain, other, sure):
        await client.close()
    shown = {
        name: {
            "calls_per_s": round(median(o["calls"] for o in slices) / seconds, 1),
            "calls_per_cpu_s": round(median(map(_per_cpu, slices)), 1),
            "client_us": round(median(o["client"] / o["calls"] for o in slices) * 1e6, 1),
            "server_us": round(median(o["server"] / o["calls"] for o in slices) * 1e6, 1),
            "replicas_us": round(median(o["beside"] / o["calls"] for o in slices) * 1e6, 1),
        }
        for name, slices in found.items()
    }
    pairs = zip(found["cluster"], found["standalone"], strict=True)
    ratio = round(median(_per_cpu(c) / _per_cpu(s) for c, s in pairs), 3)
    return {"machine": described(), "sides": shown, "ratio": ratio, "goal": GOAL, "rounds": rounds}


def main() -> None:
    """Prints the figures and writes the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench_cluster.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fenliu-cluster-") as name, clustered(Path(name) / "cluster") as cluster:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        asked = ["redis-server", "--port", str(port), "--dir", name, "--save", "", "--appendonly", "yes"]
        alone = subprocess.Popen([*asked, "--appendfsync", "always"], stdout=subprocess.DEVNULL)
        try:
            until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
            url = f"redis://127.0.0.1:{port}"
            shown = asyncio.run(measured(cluster, url, alone.pid, given.rounds, given.seconds))
        finally:
            alone.kill()
            alone.wait()
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(json.dumps(shown, ensure_ascii=False, indent=1), "utf-8")
    print(json.dumps(shown, indent=1))


if __name__ == "__main__":
    main()
