"""A million calls through a hundred models: how long the replay of an archive takes, and whether memory stays flat.

The models are the library of `rules/alerts` and as many made-up ones with windows as make a hundred. The calls
are written as an archive first, so that reading them counts too.

    python benchmarks/alerting_replay.py [--calls 1000000] [--out build/bench_alerting_replay.json]
"""

import argparse
import json
import random
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit" / "alerting")]

from small_city import make_city

from engine import alerting
from engine.alerting.archive import Archive
from engine.alerting.backtest import backtest
from engine.model.city import City

MODELS = 100
_TOWNSHIPS = ("wc-gl", "wc-tc", "wc-yb", "qy-ql", "qy-sc", "qh-hw")
_WORDS = (  # noqa: SIM905 - a line of words reads better than a column
    "漏水 停电 打架 扬言 喝了酒 老人 孩子 工资 楼上 冒烟 煤气味 保证金 验证码 请问 我家 门口 路边 小区 广场舞 垃圾 "
    "办理 时候 一直 没人 今晚 明天 你好 就是 这个 那边 我们 他们 有人 看到 能不能 来看一下 谢谢 昨天 已经 打过电话"
).split()


def write_models(folder: Path, city: City, rng: random.Random, number: int = MODELS) -> None:
    """The library, filled up to `number` models."""
    for path in (ROOT / "rules" / "alerts").glob("*.yaml"):
        shutil.copy(path, folder)
    categories = sorted(city.taxonomy.categories)
    missing = number - len(alerting.load_models(folder, city).active)
    for place in range(missing):
        (folder / f"x{place:03d}.yaml").write_text(yaml.safe_dump(_model(rng, categories), allow_unicode=True), "utf-8")


def _model(rng: random.Random, categories: list[str]) -> dict[str, Any]:
    measure = rng.choice(
        [{"measure": "count"}, {"measure": "distinct", "field": "caller"}, {"measure": "near_duplicate"}]
    )
    window = {**measure, "within": rng.choice(["1h", "1d"]), "by": rng.choice(["caller", "spot"]), "at_least": 3}
    return {
        "title": "重放模型",
        "state": "live",
        "version": 1,
        "author": "甲",
        "approver": "乙",
        "reason": "基准",
        "when": {"category": rng.sample(categories, 4), "text": {"any_of": rng.sample(_WORDS, 4)}},
        "over_time": {"w": window},
        "then": {"grade": "blue", "message": "{w}", "procedure": "warning_check", "instruct": "station"},
    }


def write_archive(path: Path, number: int, city: City, rng: random.Random) -> None:
    """So many calls, one every 2.7 s (32,000 a day, a province's centre), some of them late."""
    categories = sorted(city.taxonomy.categories)
    at = 1_767_225_600_000
    with path.open("w", encoding="utf-8") as file:
        for count in range(number):
            at += rng.randint(100, 5300)
            row = {
                "call_id": f"c{count}",
                "received_at": at - (rng.randint(0, 60_000) if rng.random() < 0.1 else 0),
                "channel": "110",
                "text": "".join(rng.choices(_WORDS, k=rng.randint(3, 12))),
                "caller": {"hash": f"h{rng.randint(0, 300_000)}"},
                "category": rng.choice(categories),
                "township": rng.choice(_TOWNSHIPS),
                "address_key": f"路{rng.randint(1, 40_000)}号",
                "danger": rng.random() < 0.05,
                "amount": rng.choice([0, 0, 0, 500, 20_000]),
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def resident() -> float:
    """Memory in use now, in MB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    """Prints the figures and writes the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench_alerting_replay.json")
    given = parser.parse_args()
    given.out.parent.mkdir(exist_ok=True)
    city, rng, memory = make_city(), random.Random(11), list[float]()
    with tempfile.TemporaryDirectory(dir=given.out.parent) as name:
        folder, calls = Path(name, "alerts"), Path(name, "calls.jsonl")
        folder.mkdir()
        write_models(folder, city, rng)
        write_archive(calls, given.calls, city, rng)
        models = alerting.load_models(folder, city)
        seen = 0

        def progress(size: int) -> None:
            nonlocal seen
            seen += 1
            if seen % max(1, given.calls // 20) == 0:
                memory.append(round(resident(), 1))

        began, worked = time.perf_counter(), time.process_time()
        result = backtest(Archive([calls], city), models, city, progress=progress)
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
    told = {
        "calls": result.calls,
        "models": len(models.active),
        "alerts": sum(tally.fired + tally.inhibited for tally in result.tallies.values()),
        "seconds": round(seconds, 1),
        "processor_seconds": round(worked, 1),
        "microseconds_per_call": round(worked / result.calls * 1e6, 1),
        "resident_mb": memory,
    }
    given.out.write_text(json.dumps(told, indent=1), "utf-8")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
