"""100,000 open orders with deadlines: how late does each fire while calls come in, and what does an open order weigh?

Real `fenliu serve` on an embedded store, calls by `fenliu loadtest` over HTTP. The lag of an order is the store's
own instant of the entry `order.overdue` (its stream id) less the deadline: reading, deciding, committing are in it.
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
from engine.store import commits, embedded, views
from engine.store.client import Client

ROOT = Path(__file__).resolve().parent.parent
CITY = "cj"
_AT_ONCE = 250
"""Orders in one change while loading."""
HOUR_MS = 3_600_000


def an_order(n: int, due_at: int, now: int) -> Order:
    """An order that was signed and owes its report at `due_at`; its reminder is past."""
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
        alarm_at=due_at,
        reminded=True,
        entered={"sent": now - HOUR_MS, "signed": now - HOUR_MS // 2},
    )


async def load_orders(client: Client, count: int, begin: int, span_ms: int) -> None:
    """The orders, their deadlines spread evenly and in random order over the span."""
    dice, now = random.Random(1), int(time.time() * 1000)
    instants = [begin + round(i * span_ms / count) for i in range(count)]
    dice.shuffle(instants)
    for start in range(0, count, _AT_ONCE):
        orders = tuple(an_order(n, instants[n], now) for n in range(start, min(start + _AT_ONCE, count)))
        log = tuple(LogEntry(now, o.order_id, "order.sent", "fenliu", "", {"body": o.body_id}) for o in orders)
        await commits.commit(client, CITY, Change(orders=orders, log=log), now=now)


async def lags(client: Client, after: str, count: int, until: float) -> list[int]:
    """Milliseconds from deadline to committed overdue mark, as they come, until all are there or time is up."""
    found: dict[str, int] = {}
    while len(found) < count and time.time() < until:
        seen = 0
        async for entry_id, entry in views.follow(client, CITY, after, count=2000):
            after, seen = entry_id, seen + 1
            if entry.what == "order.overdue" and entry.subject.startswith("Obench-"):
                found[entry.subject] = int(entry_id.partition("-")[0]) - (entry.at - entry.data["late_ms"])
        await asyncio.sleep(0.5 if not seen else 0)
    return sorted(found.values())


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
    loading_s = args.orders / 1500 + 5
    begin = int((time.time() + loading_s * args.patience) * 1000)
    await load_orders(client, args.orders, begin, args.span * 1000)
    if time.time() * 1000 > begin:
        raise SystemExit("loading the orders took longer than foreseen: use --patience")
    weight = (await memory(client) - before) / args.orders
    after = await views.newest_entry(client, CITY)
    await asyncio.sleep(max(0.0, begin / 1000 - time.time() - 1))
    told = ["--api", f"http://127.0.0.1:{port}", "--data-dir", str(data), "--rate", str(args.rate)]
    command = [sys.executable, "-m", "engine.cli", "loadtest", *told, "--seconds", str(args.span), "--as-json"]
    calls = None
    if args.rate:
        calls = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    found = await lags(client, after, args.orders, begin / 1000 + args.span + 120)
    await client.close()
    load = json.loads((await calls.communicate())[0]) if calls else {}
    return {
        "orders": args.orders,
        "fired": len(found),
        "deadlines_per_s": round(args.orders / args.span),
        "calls_per_s": args.rate,
        "lag_ms": {name: share(found, q) for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))}
        | {"max": found[-1] if found else 0},
        "within_1_s": round(sum(lag <= 1000 for lag in found) / args.orders, 6),
        "bytes_per_open_order": round(weight),
        "calls": load,
    }


def main() -> int:
    """0 when every order fired."""
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
    print(json.dumps(found, ensure_ascii=False, indent=2))
    if args.out:
        args.out.write_text(json.dumps(found), "utf-8")
    return 0 if found["fired"] == args.orders else 1


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
