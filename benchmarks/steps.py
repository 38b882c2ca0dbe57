"""Where the microseconds of one decision go: processor time of each step, one call at a time, in one process.

One call after the other, so that the processor time between two moments belongs to that call alone; the store is real
and durable, its own processor time is in benchmarks/full_path.py. With 100 alert models, on the sample calls.

    python -m benchmarks.steps [--calls 400] [--out build/bench_steps.json]
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.prepared import ROOT, prepared, running_store
from engine import app
from engine.http.service import Service
from engine.intake import parse, to_call, verify
from engine.pipeline import Work
from load_tests import signing
from load_tests.calls import load
from load_tests.machine import described
from load_tests.shapes import usual

PIPELINE = ("classifier_and_plan", "accept", "link", "route", "file", "open", "alert", "commit")
"""Names of the pipeline's steps, in its order."""


async def one(s: Service, headers: dict[str, str], raw: bytes, spent: dict[str, list[int]]) -> None:
    """Walk one call as engine/http/door.py does, with a clock between the steps."""
    last = time.process_time_ns()

    def done(name: str) -> None:
        nonlocal last
        now = time.process_time_ns()
        spent.setdefault(name, []).append(now - last)
        last = time.process_time_ns()

    now = s.clock.now()
    believed = verify(s.webhook_keys, headers, raw, now)
    done("signature")
    body = parse(raw, now)
    done("body")
    rules = s.rules()
    call = to_call(body, believed.webhook_id, rules.city.id, s.masking)
    done("mask_and_seal")
    work = Work(call, believed.webhook_id, believed.digest, rules, now)
    for name, step in zip(PIPELINE, s.pipeline.steps, strict=True):
        await step.run(work)
        done(name)
    work.rules.reader.read(call.text, channel=call.channel.value, location=call.location)
    done("classifier")


async def measure(calls: int, folder: Path) -> dict[str, Any]:
    """Medians of each step, in microseconds."""
    settings, secret = prepared(folder)
    samples, spent = load(), dict[str, list[int]]()
    with running_store(settings.data):
        parts = await app.build(settings)
        for n in range(calls):
            call, turn = usual(samples, n)
            content = call.body(time.time(), turn)
            headers = signing.headers(secret, f"steps-{n}", content, time.time())
            await one(parts.service, headers, content.encode(), spent if n >= calls // 4 else {})
            await asyncio.sleep(0)
        await parts.client.close()
    found = {name: round(statistics.median(times) / 1000, 1) for name, times in spent.items()}
    found["alert_models_plan"] = round(found.pop("classifier_and_plan") - found["classifier"], 1)
    return {"calls": calls, "us": found, "sum_us": round(sum(found.values()), 1), "machine": described()}


def main() -> None:
    """Prints the figures and writes the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench_steps.json")
    given = parser.parse_args()
    given.out.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.out.parent) as folder:
        told = uvloop.run(measure(given.calls, Path(folder).resolve()))
    given.out.write_text(json.dumps(told, indent=1), "utf-8")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
