"""100,000 open orders with deadlines: how late does each ring while calls come in, and what does an open order weigh?

Real `fenliu serve` on an embedded store that flushes every write, calls by `fenliu loadtest` over HTTP. Every second
clock is a reminder, the others are overdue marks. Three trials, one after the other, none before the last has drained:

- `spread`: the clocks of all orders are spread evenly over `--span` seconds, in random order, while `--rate` calls a
  second come in; those of the first `--watch` seconds are watched. A city's 100,000 open orders fall due over days:
  all of them within minutes is a storm.
- `burst`: 1,000 more in one second, while calls come in.
- `backlog`: 10,000 more in one millisecond, without calls: what one worker process rings when it does nothing else.

The lag of a clock is the store's own instant of the committed entry (its stream id) less the stored instant: taking
it up, deciding, committing are in it. Bodies pull their messages; the worker settles each of those too.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.model.change import Change
from engine.model.decision import Handoff
from engine.model.message import LogEntry
from engine.model.order import Due, Event, Order, State
from engine.model.reading import Matter
from engine.store import commits, embedded, queues, views
from engine.store.client import Client
from load_tests.machine import cpu_seconds, described

ROOT = Path(__file__).resolve().parent.parent
CITY = "cj"
_AT_ONCE = 250
"""Orders in one change while loading."""
HOUR_MS = 3_600_000
_REMIND_BEFORE = 0.3
"""Share of the time for a step that is left at its reminder, as the sample city's `work_order` has it."""


BURST, BACKLOG = 1_000, 10_000


def an_order(n: int, rings_at: int, now: int, *, reminder: bool = False) -> Order:
    """An order that was signed and owes its report; its clock rings at `rings_at`: overdue, or as a reminder."""
    due_at = rings_at + round(HOUR_MS * _REMIND_BEFORE) if reminder else rings_at
    return Order(
        order_id=f"Obench-{n:06d}",
        city=CITY,
        version=1,
        state=State.SIGNED,
        procedure="work_order",
        matter=Matter.GOVERNMENT,
        category="environment.noise_site",
        grade="green",
        handoff=Handoff.WORK_ORDER,
        body_id="wc-huanjing",
        first_body_id="wc-huanjing",
        fallbacks=("city-huanjing", "hot-12345"),
        joint=(),
        summary="鼓澜街道望潮路工地半夜还在打桩，吵得老人孩子都睡不着，已经第三天了",
        opened_at=now - HOUR_MS,
        call_ids=(f"Cbench-{n:06d}",),
        district="wc",
        township="wc-gl",
        due=Due(Event.REPORT, due_at, HOUR_MS),
        alarm_at=rings_at,
        reminded=not reminder,
        entered={"sent": now - HOUR_MS, "signed": now - HOUR_MS // 2},
    )


def spread(count: int, begin: int, span_ms: int) -> list[int]:
    """Evenly over the span, in random order."""
    instants = [begin + round(i * span_ms / count) for i in range(count)]
    random.Random(1).shuffle(instants)
    return instants


async def load_orders(client: Client, first: int, instants: list[int]) -> dict[str, int]:
    """Orders numbered from `first`, with their lines; every second clock is a reminder. Answers id → instant."""
    now = int(time.time() * 1000)
    for start in range(0, len(instants), _AT_ONCE):
        part = enumerate(instants[start : start + _AT_ONCE], first + start)
        orders = tuple(an_order(n, at, now, reminder=n % 2 == 1) for n, at in part)
        log = tuple(LogEntry(now, o.order_id, "order.sent", "fenliu", "", {"body": o.body_id}) for o in orders)
        await commits.commit(client, CITY, Change(orders=orders, log=log), now=now)
    if time.time() * 1000 > min(instants):
        raise SystemExit("loading the orders took longer than foreseen: use --patience")
    return {f"Obench-{n:06d}": at for n, at in enumerate(instants, first)}


class Watch:
    """Reads the log as it grows and notes when each clock's entry was committed."""

    def __init__(self, client: Client, after: str) -> None:
        self._client, self._after = client, after
        self.rang: dict[str, int] = {}
        self._rewriting: set[int] = set()
        """Seconds since 1970 in which the store wrote its log anew (a child of it, on the same cores and disk)."""

    async def trial(self, instants: dict[str, int]) -> dict[str, Any]:
        """The lags of these orders, once all rang or two minutes went by in vain."""
        end = max(instants.values()) / 1000 + 120
        self._rewriting.clear()
        while time.time() < end and not self.rang.keys() >= instants.keys():
            seen = 0
            if (await self._client.read("INFO", "persistence"))["aof_rewrite_in_progress"]:
                self._rewriting.add(int(time.time()))
            async for entry_id, entry in views.follow(self._client, CITY, self._after, count=2000):
                self._after, seen = entry_id, seen + 1
                if entry.what in ("order.overdue", "order.reminder") and entry.subject.startswith("Obench-"):
                    self.rang.setdefault(entry.subject, int(entry_id.partition("-")[0]))
            await asyncio.sleep(0.5 if not seen else 0)
        return self._told(instants)

    def _told(self, instants: dict[str, int]) -> dict[str, Any]:
        lags = sorted(self.rang[i] - at for i, at in instants.items() if i in self.rang)
        quantiles = {name: share(lags, q) for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))}
        last = max((self.rang[i] for i in instants if i in self.rang), default=max(instants.values()))
        took_s = max(0.001, (last - min(instants.values())) / 1000)
        return {
            "clocks": len(instants),
            "rang": len(lags),
            "per_s": round(len(lags) / took_s),
            "lag_ms": quantiles | {"max": lags[-1] if lags else 0},
            "within_1_s": round(sum(lag <= 1000 for lag in lags) / len(instants), 6),
            "late": self._late(instants),
        }

    def _late(self, instants: dict[str, int]) -> dict[str, Any]:
        """When clocks rang more than a second late: seconds after the first clock, and how many of them while the store
        wrote its log anew."""
        begin = min(instants.values()) // 1000
        late = {at // 1000 for i, at in instants.items() if i in self.rang and self.rang[i] - at > 1000}
        beside = {s for s in late if any(s + n in self._rewriting for n in range(-1, 6))}
        return {
            "seconds": sorted(s - begin for s in late),
            "beside_a_rewrite": len(beside),
            "rewriting_s": len(self._rewriting),
        }


async def memory(client: Client) -> int:
    """Bytes the store holds its data in."""
    return int((await client.read("INFO", "memory"))["used_memory"])


def share(values: list[int], q: float) -> int:
    """A percentile; 0 of nothing."""
    return values[min(len(values) - 1, int(q * len(values)))] if values else 0


async def measure(args: argparse.Namespace, data: Path, port: int) -> dict[str, Any]:
    """The figures."""
    client = Client(embedded.url(data))
    await client.open()

    def soon(count: int) -> int:
        return int((time.time() + (count / 1500 + 5) * args.patience) * 1000)

    before, begin = await memory(client), soon(args.orders)
    loaded = await load_orders(client, 0, spread(args.orders, begin, args.span * 1000))
    weight = (await memory(client) - before) / args.orders
    watch = Watch(client, await views.newest_entry(client, CITY))
    watched = {i: at for i, at in loaded.items() if at < begin + args.watch * 1000}
    machine, calls = described(), await _calls(args, data, port, begin, args.watch)
    told, load = {"spread": await watch.trial(watched)}, await _ended(calls)
    begin, dice = soon(BURST), random.Random(2)
    loaded = await load_orders(client, args.orders, [begin + dice.randrange(1000) for _ in range(BURST)])
    calls = await _calls(args, data, port, begin - 5_000, 10)
    told["burst"] = await watch.trial(loaded)
    await _ended(calls)
    loaded = await load_orders(client, args.orders + BURST, [soon(BACKLOG)] * BACKLOG)
    await asyncio.sleep(max(0.0, min(loaded.values()) / 1000 - time.time() - 0.2))
    spent, ringing = _spent(data), len(watch.rang)
    told["backlog"] = await watch.trial(loaded)
    await _settled(client)
    rang = len(watch.rang) - ringing  # with those of the spread that rang meanwhile
    cost = {name: round((s - spent[name]) / max(1, rang) * 1e6) for name, s in _spent(data).items()}
    await client.close()
    return {
        "machine": machine,
        "orders": args.orders,
        "span_s": args.span,
        "calls_per_s": args.rate,
        "trials": told,
        "cpu_us_per_clock": cost,
        "bytes_per_open_order": round(weight),
        "calls": load,
    }


async def _calls(
    args: argparse.Namespace, data: Path, port: int, begin: int, seconds: int
) -> asyncio.subprocess.Process | None:
    """Calls from `begin` (ms since 1970 UTC) on; None when none are wanted."""
    if not args.rate:
        return None
    await asyncio.sleep(max(0.0, begin / 1000 - time.time() - 1))
    told = ["--api", f"http://127.0.0.1:{port}", "--data-dir", str(data), "--rate", str(args.rate)]
    command = [sys.executable, "-m", "engine.cli", "loadtest", *told, "--seconds", str(seconds), "--as-json"]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)


async def _ended(calls: asyncio.subprocess.Process | None) -> dict[str, Any]:
    return dict(json.loads((await calls.communicate())[0])) if calls else {}


async def _settled(client: Client) -> None:
    """Every message of the clocks is settled too: that belongs to their cost."""
    for _ in range(600):
        if not (await queues.depths(client, CITY))["outbox"]:
            return
        await asyncio.sleep(0.1)


def _spent(data: Path) -> dict[str, float]:
    """Processor seconds of worker and store so far."""
    lines = (data / "pids").read_text("utf-8").splitlines()
    pids = dict(line.split(" ", 1) for line in lines)
    return {name: cpu_seconds(int(pid)) for name, pid in pids.items() if name.partition("-")[0] in ("worker", "store")}


def shown(found: dict[str, Any]) -> str:
    """What a person reads."""
    rate, watched = found["orders"] / found["span_s"], found["trials"]["spread"]["clocks"]
    calls = f"{found['calls_per_s']:g} calls/s"
    means = {
        "spread": f"{found['orders']} clocks over {found['span_s']} s ({rate:.0f}/s), {watched} watched, {calls}",
        "burst": f"{BURST} clocks in one second, {calls}",
        "backlog": f"{BACKLOG} clocks in one millisecond, no calls",
    }
    lines = []
    for name, one in found["trials"].items():
        lag = ", ".join(f"{q} {ms} ms" for q, ms in one["lag_ms"].items())
        lines.append(f"{name}: {means[name]}")
        late = one["late"]
        if late["seconds"]:
            lines.append(
                f"  late ones fell due in {len(late['seconds'])} s, {late['beside_a_rewrite']} of them while the store "
                f"wrote its log anew ({late['rewriting_s']} s in all): {late['seconds']}"
            )
        lines.append(
            f"  rang {one['rang']} of {one['clocks']}, {one['per_s']}/s; within 1 s {one['within_1_s']:.3%}; lag {lag}"
        )
    spent = ", ".join(f"{name} {us} µs" for name, us in found["cpu_us_per_clock"].items())
    lines.append(f"processor time of one clock with its message: {spent}")
    lines.append(f"memory of one open order with its line, clock and lists: {found['bytes_per_open_order']} bytes")
    lines.append(f"load average at the start: {found['machine']['load_average']}")
    return "\n".join(lines)


def main() -> int:
    """0 when every clock rang."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--span", type=int, default=300, help="seconds over which the deadlines are spread")
    parser.add_argument("--watch", type=int, help="seconds of them that are watched (all)")
    parser.add_argument("--rate", type=float, default=100.0, help="calls a second meanwhile")
    parser.add_argument("--patience", type=float, default=1.0, help="factor on the time foreseen for loading")
    parser.add_argument("--model", type=Path, default=ROOT / "build" / "test_model", help="trained classifier")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    args.watch = args.watch or args.span
    with tempfile.TemporaryDirectory(prefix="fenliu-bench-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        if args.model.is_dir():
            (data / "model").symlink_to(args.model.resolve(), target_is_directory=True)
        found = _served(args, data)
    print(shown(found))
    if args.out:
        args.out.write_text(json.dumps(found), "utf-8")
    return 0 if all(t["rang"] == t["clocks"] for t in found["trials"].values()) else 1


def _served(args: argparse.Namespace, data: Path) -> dict[str, Any]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = int(s.getsockname()[1])
    command = [
        sys.executable,
        "-m",
        "engine.cli",
        "serve",
        "--no-console",
        "--port",
        str(port),
        "--data-dir",
        str(data),
    ]
    with (data / "service.log").open("wb") as said:
        service = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said, env=os.environ.copy())
    try:
        _wait_for(port, service)
        return asyncio.run(measure(args, data, port))
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(30)


def _wait_for(port: int, service: "subprocess.Popen[bytes]") -> None:
    import httpx

    for _ in range(3000):
        if service.poll() is not None:
            break
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise SystemExit("the service did not start")


if __name__ == "__main__":
    raise SystemExit(main())
