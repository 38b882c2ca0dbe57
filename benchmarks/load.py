"""The service with its worker and bodies under load, from outside: answers, orders at their bodies, cost a call.

Two runs of `fenliu loadtest` on a service of its own: a few calls a second, matched one by one, and the rate of the
goal (200 a second), where the order must be at its body within 250 ms at the 99th percentile.

    python -m benchmarks.load [--rate 200] [--seconds 5] [--out build/bench_load.json]
"""

import argparse
import asyncio
import json
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.prepared import MODEL, ROOT
from load_tests import shapes
from load_tests.calls import load
from load_tests.measures import Goals
from load_tests.own import own_service
from load_tests.running import Asked, run

GOALS = Goals(answer=25, order_at_body=250)
CALM_PER_S = 10.0


def measured(rate: float, seconds: float, *, match: bool, patience_s: float, speed: float) -> dict[str, Any]:
    """One run on a service of its own."""
    plan = shapes.steady(load(), rate=rate, seconds=seconds, seed=5)
    asked = Asked(plan, GOALS, match, patience_s, f"bench-{uuid.uuid4().hex[:8]}")
    with own_service(model=MODEL, speed=speed, mix="prompt=0.8,slow=0.1,returning=0.05,failing=0.05") as at:
        found = asyncio.run(run(at, asked))
        size = sum(f.stat().st_size for f in (at.data_dir / "store").rglob("*.aof"))
    found["store_log_bytes_per_call"] = round(size / max(1, found["scheduled"]))
    return {"rate": rate, **found}


def main() -> None:
    """Prints the figures and writes the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--patience", type=float, default=150.0)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench_load.json")
    given = parser.parse_args()
    given.out.parent.mkdir(exist_ok=True)
    calm = measured(CALM_PER_S, given.seconds * 2, match=True, patience_s=given.patience, speed=100)
    full = measured(given.rate, given.seconds, match=False, patience_s=given.patience, speed=0.2)
    told = {"calm": calm, "goal_rate": full, "goals": asdict(GOALS)}
    given.out.write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")
    for one in (calm, full):
        kept = ("answer", "order_at_body", "reminder_after_deadline", "instruction_after_alert", "cpu_us_per_call")
        print(json.dumps({"rate": one["rate"], **{k: one[k] for k in kept}, "missed": one["missed_goals"]}, indent=1))


if __name__ == "__main__":
    main()
