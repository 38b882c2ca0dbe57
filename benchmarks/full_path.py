"""The full decision beside its floor, interleaved in one run: calls a second, processor time a call, latencies.

The floor is a FastAPI route and one durable function call of the same size (`appendfsync always`); the full path is
the service as it is served: signature, classifier, links, 100 alert models, order, outbox. Each has its own API process
and its own store, both held to one core; the driver has the other. Slices of a second or two alternate, so that what
else the machine does falls on both. Figures are ratios and processor time: a rate says little on a shared machine.

    python -m benchmarks.full_path [--rounds 10] [--slice 1.5] [--out build/bench_full_path.json]
    python -m benchmarks.full_path --beside ../other   # another working copy of Fenliu instead of the floor
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from redis import Redis

from benchmarks.prepared import MODELS, ROOT, prepared, running_store
from engine import settings as settings_room
from engine.model.values import replace
from engine.store import embedded
from engine.supervisor import listen
from load_tests import arrivals, signing
from load_tests.calls import load
from load_tests.latency import Latencies
from load_tests.machine import cpu_seconds, described, resident_mb
from load_tests.shapes import usual
from load_tests.wire import Wire

CONNECTIONS = 32
SERVER_CORE, DRIVER_CORE = 0, 1


@dataclass(slots=True)
class Side:
    """One of the things compared: its address, path and processes (API, store)."""

    name: str
    url: str
    path: str
    pids: tuple[int, ...]
    store: str
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    parts_us: dict[str, list[float]] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    failed: int = 0

    def cpu(self) -> list[float]:
        """Processor seconds of each process so far."""
        return [cpu_seconds(pid) for pid in self.pids]


class Calls:
    """Signed calls, made a chunk at a time while nothing is measured."""

    def __init__(self, secret: str, wire: Wire) -> None:
        self._secret, self._wire, self._calls = secret, wire, load()
        self._made = 0

    def stock(self, number: int, path: str) -> list[bytes]:
        """So many requests for `path`."""
        found = []
        for _ in range(number):
            call, turn = usual(self._calls, self._made)
            content, now = call.body(time.time(), turn), time.time()
            headers = signing.headers(self._secret, f"bench-{os.getpid()}-{self._made}", content, now)
            found.append(self._wire.request(path, headers, content.encode()))
            self._made += 1
        return found


async def closed(wire: Wire, stock: list[bytes], seconds: float, side: Side | None) -> int:
    """`CONNECTIONS` callers, each sending its next call when the last is answered; answers how many were answered."""
    loop, done = asyncio.get_running_loop(), 0
    end = loop.time() + seconds

    async def caller() -> None:
        nonlocal done
        while stock and loop.time() < end:
            began = loop.time()
            answer = await wire.send(stock.pop())
            if side is not None:
                side.failed += answer.status != 200
                side.latencies.append(loop.time() - began)
            done += answer.status == 200

    await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))
    return done


async def slice_of(side: Side, calls: Calls, wire: Wire, seconds: float) -> None:
    """One slice of one side, its rate and its processor time a call noted."""
    most = round(2 * seconds * max(side.rates, default=1000.0)) + 200
    stock = calls.stock(most, side.path)
    before, began = side.cpu(), time.perf_counter()
    done = await closed(wire, stock, seconds, side)
    took, spent = time.perf_counter() - began, [b - a for a, b in zip(before, side.cpu(), strict=True)]
    if not stock:
        print(f"  {side.name}: the stock of {most} calls ran out", file=sys.stderr)
    side.rates.append(done / took)
    side.cpu_us.append(sum(spent) / done * 1e6)
    for part, one in zip(("api", "store"), spent, strict=True):
        side.parts_us.setdefault(part, []).append(one / done * 1e6)


@dataclass(slots=True)
class Arrived:
    """Calls that came by a schedule, in seconds."""

    answered: list[float] = field(default_factory=list)
    """From the scheduled start to the answer."""
    late: list[float] = field(default_factory=list)
    """How late the driver itself sent them: no fault of the service."""


async def open_arrivals(side: Side, calls: Calls, wire: Wire, due: list[float]) -> Arrived:
    """Calls at the seconds of a schedule, whoever is still being answered."""
    stock, loop, seen = calls.stock(len(due), side.path), asyncio.get_running_loop(), Arrived()
    start = loop.time()

    async def one(at: float, request: bytes) -> None:
        seen.late.append(loop.time() - start - at)
        answer = await wire.send(request)
        side.failed += answer.status != 200
        seen.answered.append(loop.time() - start - at)

    async with asyncio.TaskGroup() as group:
        for at, request in zip(due, stock, strict=True):
            await asyncio.sleep(max(0.0, at - (loop.time() - start)))
            group.create_task(one(at, request))
    return seen


def flushes(folder: Path, size: int, number: int) -> list[float]:
    """Seconds that writing and flushing so many bytes take by themselves, one after the other."""
    spent = []
    with (folder / "flushed").open("ab", buffering=0) as file:
        for _ in range(number):
            began = time.perf_counter()
            file.write(b"x" * size)
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - began)
    return spent


async def half_capacity(
    folder: Path, calls: Calls, sides: list[tuple[Side, Wire]], seconds: float, size: int
) -> dict[str, Any]:
    """Each side under the same open arrivals, half of what the full decision can take; slices interleaved."""
    rate, slices = statistics.median(sides[0][0].rates) / 2, max(1, round(seconds / 2))
    seen = {side.name: Arrived() for side, _ in sides}
    flushed: list[float] = []
    rewritten = _rewrites(sides[0][0])
    for n in range(slices):
        due = arrivals.schedule(rate, seconds / slices, n)
        for side, wire in sides[n % 2 :] + sides[: n % 2]:
            found = await open_arrivals(side, calls, wire, due)
            seen[side.name].answered += found.answered
            seen[side.name].late += found.late
        flushed += flushes(folder, size, 50)
    return {
        "calls_per_s": round(rate, 1),
        **{name: Latencies(one.answered).view() for name, one in seen.items()},
        "driver_late": Latencies(late for one in seen.values() for late in one.late).view(),
        "flush": Latencies(flushed).view(),
        "log_rewrites": _rewrites(sides[0][0]) - rewritten,
    }


def _rewrites(side: Side) -> int:
    """How often the side's store has begun to write its log anew."""
    with Redis.from_url(side.store) as redis:
        found = redis.info("persistence")
    return int(found["aof_rewrites"]) + int(found["aof_rewrite_in_progress"])


# --- what is started


def _pinned() -> None:
    os.sched_setaffinity(0, {SERVER_CORE})


@contextlib.contextmanager
def process(
    command: list[str], environ: dict[str, str], log: Path, fds: tuple[int, ...] = (), source: Path = ROOT
) -> Iterator[int]:
    """A child on the server's core; its process id."""
    with log.open("ab") as said:
        child = subprocess.Popen(
            command, env=os.environ | environ, cwd=source, pass_fds=fds, stdout=said, stderr=said, preexec_fn=_pinned
        )
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait(20)


@contextlib.contextmanager
def full_side(folder: Path, models: int, source: Path = ROOT) -> Iterator[tuple[Side, str]]:
    """The API process of the code in `source` with so many alert models, and its webhook secret."""
    folder.mkdir(exist_ok=True)
    settings, secret = prepared(folder, models)
    opened = listen("127.0.0.1", 0)
    port = opened.getsockname()[1]
    environ = settings_room.as_environ(replace(settings, port=str(port)))
    command = [sys.executable, "-m", "engine.cli", "api", "--fd", str(opened.fileno())]
    url = f"http://127.0.0.1:{port}"
    log, fds = folder / "full.log", (opened.fileno(),)
    with running_store(settings.data, _pinned) as kept, process(command, environ, log, fds, source) as api:
        yield Side("full", url, "/v1/calls", (api, kept.pid), embedded.url(settings.data)), secret


@contextlib.contextmanager
def floor_sides(folder: Path, size: int) -> Iterator[list[Side]]:
    """The floor, with trips of its own and with shared ones."""
    data = folder / "floor"
    opened = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{opened.getsockname()[1]}"
    command = [sys.executable, "-m", "benchmarks.floor_app", str(opened.fileno())]
    environ = {"FLOOR_STORE": embedded.url(data), "FLOOR_BYTES": str(size)}
    with (
        running_store(data, _pinned) as kept,
        process(command, environ, folder / "floor.log", (opened.fileno(),)) as api,
    ):
        pids = (api, kept.pid)
        yield [Side(n, url, p, pids, "") for n, p in (("floor", "/floor"), ("floor_shared", "/floor/shared"))]


async def until_ready(wire: Wire, path: str, seconds: float = 400.0) -> None:
    """Until the address answers anything at all."""
    end = time.monotonic() + seconds
    while (await wire.send(wire.request(path, {}, b"{}"))).status == 0:
        if time.monotonic() > end:
            raise TimeoutError(path)
        await asyncio.sleep(0.2)


async def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The whole comparison."""
    with full_side(folder, given.models) as (full, secret):
        wire = Wire(full.url)
        await until_ready(wire, full.path)
        calls = Calls(secret, wire)
        await closed(wire, calls.stock(600, full.path), 20, None)
        size = await _bytes_a_call(full, wire, calls)
        print(f"a call's decision writes {size} bytes")
        if given.only_full:
            print(f"api pid {full.pids[0]}, store pid {full.pids[1]}", flush=True)
            await rounds(given, calls, [(full, wire)])
            return {}
        if given.beside:
            return await beside(given, folder / "other", (full, wire), calls)
        with floor_sides(folder, size) as floors:
            floor_wire = Wire(floors[0].url)
            await until_ready(floor_wire, "/floor")
            await rounds(given, calls, [(floors[0], floor_wire), (full, wire), (floors[1], floor_wire)])
            pair = [(full, wire), (floors[0], floor_wire)]
            half = await half_capacity(folder, calls, pair, given.open, size)
            return _figures(full, floors, half, size, given.models)


async def rounds(given: argparse.Namespace, calls: Calls, sides: list[tuple[Side, Wire]]) -> None:
    """Slices of all sides in turn; who is first changes."""
    for number in range(given.rounds):
        first = number % len(sides)
        for side, wire in sides[first:] + sides[:first]:
            await slice_of(side, calls, wire, given.slice)
        print("  ".join(_said(s) for s, _ in sides), flush=True)


def _said(side: Side) -> str:
    parts = " ".join(f"{name} {spent[-1]:.0f}" for name, spent in side.parts_us.items())
    return f"{side.name} {side.rates[-1]:.0f}/s {side.cpu_us[-1]:.0f} us ({parts})"


async def beside(given: argparse.Namespace, folder: Path, own: tuple[Side, Wire], calls: Calls) -> dict[str, Any]:
    """This code and another working copy's, interleaved: medians of the ratios this / other."""
    with full_side(folder, given.models, given.beside.resolve()) as (other, secret):
        other.name, other_calls = "other", Calls(secret, Wire(other.url))
        wire = Wire(other.url)
        await until_ready(wire, other.path)
        await closed(wire, other_calls.stock(900, other.path), 20, None)
        for _ in range(given.rounds):
            await slice_of(own[0], calls, own[1], given.slice)
            await slice_of(other, other_calls, wire, given.slice)
            print("  ".join(_said(s) for s in (own[0], other)), flush=True)
        pairs = {name: (own[0].parts_us[name], other.parts_us[name]) for name in own[0].parts_us}
        pairs |= {"cpu": (own[0].cpu_us, other.cpu_us), "rate": (own[0].rates, other.rates)}
        return {
            f"{name}_ratio": round(statistics.median(a / b for a, b in zip(*two, strict=True)), 3)
            for name, two in pairs.items()
        }


async def _bytes_a_call(full: Side, wire: Wire, calls: Calls) -> int:
    """What the decision of one call sends to the store, on the average of some hundred."""
    redis = Redis.from_url(full.store)
    before = redis.info("stats")["total_net_input_bytes"]
    done = await closed(wire, calls.stock(300, full.path), 20, None)
    size = int((redis.info("stats")["total_net_input_bytes"] - before) / max(1, done))
    redis.close()
    return size


def _figures(full: Side, floors: list[Side], half: dict[str, Any], size: int, models: int) -> dict[str, Any]:
    def ratios(floor: Side) -> dict[str, float]:
        rate = [a / b for a, b in zip(full.rates, floor.rates, strict=True)]
        cpu = [b / a for a, b in zip(full.cpu_us, floor.cpu_us, strict=True)]
        return {"rate": round(statistics.median(rate), 3), "cpu": round(statistics.median(cpu), 3)}

    def side(one: Side) -> dict[str, Any]:
        return {
            "calls_per_s": round(statistics.median(one.rates), 1),
            "cpu_us_per_call": round(statistics.median(one.cpu_us), 1),
            "parts_us": {n: round(statistics.median(v), 1) for n, v in one.parts_us.items()},
            "latency": Latencies(one.latencies).view(),
            "failed": one.failed,
        }

    return {
        "models": models,
        "connections": CONNECTIONS,
        "bytes_to_the_store_per_call": size,
        "full_over_floor": ratios(floors[0]),
        "full_over_shared_floor": ratios(floors[1]),
        "full": side(full),
        "floor": side(floors[0]),
        "floor_shared": side(floors[1]),
        "half_capacity": half,
        "resident_mb": {"api": resident_mb(full.pids[0]), "store": resident_mb(full.pids[1])},
        "machine": described(),
    }


def main() -> None:
    """Prints the figures and writes the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--slice", type=float, default=1.5, help="seconds")
    parser.add_argument("--open", type=float, default=10.0, help="seconds of open arrivals at half the capacity")
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--beside", type=Path, help="a folder with another working copy")
    parser.add_argument("--only-full", action="store_true", help="no floor, for profiling")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench_full_path.json")
    given = parser.parse_args()
    given.out.parent.mkdir(exist_ok=True)
    os.sched_setaffinity(0, {DRIVER_CORE % (os.cpu_count() or 1)})
    with tempfile.TemporaryDirectory(dir=given.out.parent) as folder:
        told = uvloop.run(measure(given, Path(folder).resolve()))
    if told:
        given.out.write_text(json.dumps(told, indent=1), "utf-8")
        print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
