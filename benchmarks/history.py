"""How long figures take over a year of a big city: 2 million calls in the history, a week's worth still in the store.

Prints a table and writes build/bench_history.json (or --json FILE). The year is made up column
by column; the questions are the real ones.
"""

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine import bulletins, figuring, ruleset
from engine.figuring import Reading
from engine.history import History
from engine.history.ledger import record
from engine.history.shape import schema_of
from engine.model.city import City
from engine.reports import facts

DAY = 86_400_000
FIRST = int(datetime(2025, 1, 6, tzinfo=UTC).timestamp() * 1000) - 8 * 3_600_000
DAYS = 364
_JSON = json.dumps({"text": "楼下烧烤店半夜还在放音响，请派人来看一下" * 8}, ensure_ascii=False)


def a_day(city: City, chance: np.random.Generator, day: int, n: int) -> dict[str, dict[str, Any]]:
    """Columns of one day's calls, orders and alerts."""
    bodies, townships = list(city.bodies), [a.id for a in city.areas.values() if a.tier.value == "township"]
    categories = list(city.taxonomy.categories)
    at = np.sort(FIRST + day * DAY + chance.integers(0, DAY, n))
    date = f"{datetime.fromtimestamp((FIRST + day * DAY) / 1000, UTC) + timedelta(hours=8):%Y-%m-%d}"
    township = chance.choice(townships, n)
    matter = chance.choice(["police", "government", "local"], n, p=[0.42, 0.38, 0.2])
    category, body = chance.choice(categories, n), chance.choice(bodies, n)
    tier = [city.bodies[b].tier.value for b in body]
    ids = [f"C{day:03d}.{i:05d}" for i in range(n)]
    review = chance.random(n) < 0.05
    roads = np.array([f"望潮路{i}号" for i in range(300)])
    calls = {
        "id": ids, "at": at, "day": [date] * n, "channel": ["110"] * n, "matter": matter, "category": category,
        "handoff": np.where(review, "none", "work_order"), "review": review, "danger": chance.random(n) < 0.06,
        "joined": chance.random(n) < 0.08, "confidence": chance.random(n), "order_id": ["O" + i[1:] for i in ids],
        "body": body, "tier": tier, "district": [t[:2] for t in township], "township": township,
        "community": [""] * n, "address": chance.choice(roads, n), "lat": np.full(n, 27.9), "lng": np.full(n, 122.3),
        "caller": [f"{h:020x}" for h in chance.integers(0, 500_000, n)], "final_matter": matter,
        "final_category": category,
    }  # fmt: skip
    sign, arrive, report = (chance.exponential(m, n).astype("int64") for m in (12_000, 300_000, 3_600_000))
    answered = [None if r < 0.3 else bool(r < 0.95) for r in chance.random(n)]
    orders = {
        "id": calls["order_id"], "at": at, "day": calls["day"], "version": np.full(n, 7), "state": ["closed"] * n,
        "closed": at + report * 20, "procedure": chance.choice(list(city.procedures), n), "matter": matter,
        "category": category, "dispute": chance.random(n) < 0.2, "grade": chance.choice(list(city.grades), n),
        "danger": calls["danger"], "body": body, "tier": tier, "district": calls["district"], "township": township,
        "alert_id": [""] * n, "calls": np.ones(n, "int64"), "sent": at, "signed": at + sign,
        "arrived": at + sign + arrive, "reported": at + sign + arrive + report, "sign_ms": sign, "arrive_ms": arrive,
        "report_ms": report, "sign_late": sign > 60_000, "overdue": (sign > 60_000).astype("int64"),
        "returns": np.zeros(n, "int64"),
        "returned_by": [[b] if r < 0.04 else [] for b, r in zip(body, chance.random(n), strict=True)],
        "rejects": np.zeros(n, "int64"), "call_back_due": [True] * n, "called_back": [a is not None for a in answered],
        "solved": answered, "satisfied": answered,
    }  # fmt: skip
    m = n // 50
    alerts = {
        "id": [f"A{day:03d}.{i}" for i in range(m)], "at": at[:m], "day": [date] * m, "version": np.full(m, 3),
        "state": ["checked"] * m, "model": chance.choice(["fraud_loan", "dispute_heating"], m), "grade": ["red"] * m,
        "verdict": chance.choice(["confirm", "dismiss"], m), "issued": at[:m], "visit_ms": arrive[:m], "body": body[:m],
        "district": calls["district"][:m], "township": township[:m], "order_id": calls["order_id"][:m],
    }  # fmt: skip
    return {"call": calls, "order": orders, "alert": alerts}


def write(history: History, kind: str, day: int, columns: dict[str, Any]) -> None:
    """One day's file, as the archive writes it."""
    n = len(columns["id"])
    whole = columns | {"json": [_JSON] * n, "line": [_JSON] * n}
    schema = schema_of(history.columns[kind])
    table = pa.Table.from_arrays([pa.array(whole[f.name], f.type) for f in schema], schema=schema)
    folder = history.folder / kind / f"{datetime.fromtimestamp((FIRST + (day + 9) * DAY) / 1000, UTC):%Y-%m-%d}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "b.parquet", compression="zstd", row_group_size=2_000)
    os.utime(folder / "b.parquet", (0, 0))  # a file of long ago, not of this hour


def rows(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Columns as the store's rows."""
    plain = {name: v.tolist() if isinstance(v, np.ndarray) else list(v) for name, v in columns.items()}
    return [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]


def timed(name: str, question: Callable[[], Any], found: dict[str, float]) -> None:
    """The better of two, by the clock and by what it cost the processor (on a busy machine the clock tells little)."""
    spent = []
    for _ in range(2):
        start, cost = time.perf_counter(), time.process_time()
        question()
        spent.append((time.perf_counter() - start, time.process_time() - cost))
    wall, cpu = min(spent)
    found[name], found[name + ", processor"] = round(wall, 3), round(cpu, 3)
    print(f"{name:44} {wall:7.2f} s   {cpu:7.2f} s of processor", flush=True)


def main() -> None:
    """Make the year, ask."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=2_000_000)
    parser.add_argument("--json", type=Path, default=Path("build/bench_history.json"))
    asked = parser.parse_args()
    city, chance = ruleset.load(Path("rules")), np.random.default_rng(1)
    folder = Path(tempfile.mkdtemp(prefix="fenliu-history-"))
    try:
        history = History(folder, facts.COLUMNS)
        live: dict[str, list[Any]] = {"call": [], "order": [], "alert": []}
        for day in range(DAYS):
            for kind, columns in a_day(city, chance, day, asked.calls // DAYS).items():
                if day < DAYS - 8:
                    write(history, kind, day, columns)
                else:
                    live[kind] += rows(columns)
        print(f"{asked.calls:,} calls, {sum(f.stat().st_size for f in folder.rglob('*.parquet')) >> 20} MB of files, "
              f"{len(live['call']):,} calls still in the store\n")  # fmt: skip
        found = questions(Reading(city, history, live))
    finally:
        shutil.rmtree(folder)
    found["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"\npeak memory {found['peak_memory_mb']} MB")
    asked.json.parent.mkdir(exist_ok=True)
    asked.json.write_text(json.dumps(found, indent=1), "utf-8")


def questions(reading: Reading) -> dict[str, float]:
    """Every kind of question, timed."""
    found: dict[str, float] = {}
    year, end = FIRST, FIRST + DAYS * DAY
    month, week = end - 30 * DAY, end - 7 * DAY
    timed("every figure of the year", lambda: figuring.figures(reading, year, end), found)
    for by in ("day", "tier", "body", "category"):
        timed(f"every figure of the year by {by}", lambda by=by: figuring.figures(reading, year, end, by), found)
    timed("every figure of a month", lambda: figuring.figures(reading, month, end), found)
    timed("every figure of a day", lambda: figuring.figures(reading, end - DAY, end), found)
    behind = (reading, "overdue_rate", year, end, "part", "", "", 100, 0)
    timed("the records behind a figure of the year", lambda: figuring.records(*behind), found)
    timed("hot spots of a day against 8 weeks", lambda: figuring.rising(reading, end - DAY, end, 8), found)
    timed("hot spots of a week against 8 weeks", lambda: figuring.rising(reading, week, end, 8), found)
    timed("weekly bulletin", lambda: bulletins.write(reading, "2026-01-01", "week", end), found)
    timed("one archived order by its id", lambda: record(reading.history, "order", "O100.00100"), found)
    return found


if __name__ == "__main__":
    main()
