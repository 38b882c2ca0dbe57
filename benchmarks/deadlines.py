"""100,000 open orders with deadlines: how late does each ring while calls come in, and what does an open order weigh?

Real `fenliu serve` on an embedded store that flushes every write, calls by `fenliu loadtest` over HTTP. All orders are
there from the start; half of the clocks are reminders, half overdue marks. Then three trials, one after the other:

- `spread`: the clocks of all of them are spread evenly over `--span` seconds, in random order, while `--rate` calls a
  second come in. A city's 100,000 open orders fall due over days; all of them within minutes is a storm.
- `burst`: 1,000 more in one second, while the calls go on.
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
from dataclasses import dataclass
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
_CALM_S = 15
"""Between two trials."""


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


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: which orders, and when each rings (ms since 1970 UTC)."""

    name: str
    instants: dict[str, int]

    @property
    def ends(self) -> int:
        """The last instant."""
        return max(self.instants.values())


def trials(count: int, begin: int, span_ms: int) -> list[Trial]:
    """The three of them, one after the other; orders numbered through."""
    dice = random.Random(1)
    spread = [begin + round(i * span_ms / count) for i in range(count)]
    dice.shuffle(spread)
    burst_at = begin + span_ms + _CALM_S * 1000
    burst = [burst_at + dice.randrange(1000) for _ in range(BURST)]
    backlog = [burst_at + 2 * _CALM_S * 1000 + 5_000] * BACKLOG
    made, n = [], 0
    for name, instants in (("spread", spread), ("burst", burst), ("backlog", backlog)):
        made.append(Trial(name, {f"Obench-{n + i:06d}": at for i, at in enumerate(instants)}))
        n += len(instants)
    return made


async def load_orders(client: Client, instants: dict[str, int]) -> None:
    """The orders with their lines; every second clock is a reminder."""
    now, every = int(time.time() * 1000), list(instants.values())
    for start in range(0, len(every), _AT_ONCE):
        part = range(start, min(start + _AT_ONCE, len(every)))
        orders = tuple(an_order(n, every[n], now, reminder=n % 2 == 1) for n in part)
        log = tuple(LogEntry(now, o.order_id, "order.sent", "fenliu", "", {"body": o.body_id}) for o in orders)
        await commits.commit(client, CITY, Change(orders=orders, log=log), now=now)


class Watch:
    """Reads the log as it grows and notes when each clock's entry was committed."""

    def __init__(self, client: Client, after: str) -> None:
        self._client, self._after = client, after
        self.rang: dict[str, int] = {}

    async def until(self, trial: Trial, patience_s: float) -> None:
        """Until all of a trial rang, or its time is up."""
        end = trial.ends / 1000 + patience_s
        while time.time() < end and not self.rang.keys() >= trial.instants.keys():
            seen = 0
            async for entry_id, entry in views.follow(self._client, CITY, self._after, count=2000):
                self._after, seen = entry_id, seen + 1
                if entry.what in ("order.overdue", "order.reminder") and entry.subject.startswith("Obench-"):
                    self.rang.setdefault(entry.subject, int(entry_id.partition("-")[0]))
            await asyncio.sleep(0.5 if not seen else 0)

    def told(self, trial: Trial) -> dict[str, Any]:
        """The lags of one trial."""
        lags = sorted(self.rang[i] - at for i, at in trial.instants.items() if i in self.rang)
        quantiles = {name: share(lags, q) for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))}
        last = max((self.rang[i] for i in trial.instants if i in self.rang), default=trial.ends)
        took_s = max(0.001, (last - min(trial.instants.values())) / 1000)
        return {
            "clocks": len(trial.instants),
            "rang": len(lags),
            "per_s": round(len(lags) / took_s),
            "lag_ms": quantiles | {"max": lags[-1] if lags else 0},
            "within_1_s": round(sum(lag <= 1000 for lag in lags) / len(trial.instants), 6),
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
    before = await memory(client)
    begin = int((time.time() + ((args.orders + BURST + BACKLOG) / 1500 + 5) * args.patience) * 1000)
    spread, burst, backlog = trials(args.orders, begin, args.span * 1000)
    await load_orders(client, spread.instants | burst.instants | backlog.instants)
    if time.time() * 1000 > begin:
        raise SystemExit("loading the orders took longer than foreseen: use --patience")
    weight = (await memory(client) - before) / (args.orders + BURST + BACKLOG)
    watch = Watch(client, await views.newest_entry(client, CITY))
    await asyncio.sleep(max(0.0, begin / 1000 - time.time() - 1))
    calls = await _calls(args, data, port, args.span + _CALM_S + 5) if args.rate else None
    machine = described()
    await watch.until(spread, 120)
    await watch.until(burst, 60)
    load = json.loads((await calls.communicate())[0]) if calls else {}
    await asyncio.sleep(max(0.0, backlog.ends / 1000 - time.time() - 1))
    spent = _spent(data)
    await watch.until(backlog, 120)
    await _settled(client)
    cost = {name: round((s - spent[name]) / BACKLOG * 1e6) for name, s in _spent(data).items()}
    await client.close()
    return {
        "machine": machine,
        "orders": args.orders,
        "span_s": args.span,
        "calls_per_s": args.rate,
        "trials": {trial.name: watch.told(trial) for trial in (spread, burst, backlog)},
        "cpu_us_per_clock": cost,
        "bytes_per_open_order": round(weight),
        "calls": load,
    }


async def _calls(args: argparse.Namespace, data: Path, port: int, seconds: int) -> asyncio.subprocess.Process:
    told = ["--api", f"http://127.0.0.1:{port}", "--data-dir", str(data), "--rate", str(args.rate)]
    command = [sys.executable, "-m", "engine.cli", "loadtest", *told, "--seconds", str(seconds), "--as-json"]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)


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
    rate = found["orders"] / found["span_s"]
    calls = f"{found['calls_per_s']:g} calls/s"
    means = {
        "spread": f"{found['orders']} clocks spread evenly over {found['span_s']} s ({rate:.0f}/s), {calls}",
        "burst": f"{BURST} clocks in one second, {calls}",
        "backlog": f"{BACKLOG} clocks in one millisecond, no calls",
    }
    lines = []
    for name, one in found["trials"].items():
        lag = ", ".join(f"{q} {ms} ms" for q, ms in one["lag_ms"].items())
        lines.append(f"{name}: {means[name]}")
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
    parser.add_argument("--rate", type=float, default=100.0, help="calls a second meanwhile")
    parser.add_argument("--patience", type=float, default=1.0, help="factor on the time foreseen for loading")
    parser.add_argument("--model", type=Path, default=ROOT / "build" / "test_model", help="trained classifier")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
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
