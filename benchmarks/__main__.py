"""Runs every benchmark in turn, prints its table and gathers the figures in build/bench.json."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
EACH = {
    "full_path": ["full_path.py", "--rounds", "8", "--out", str(BUILD / "bench_full_path.json")],
    "classifier": ["classifier.py", "--json", str(BUILD / "bench_classifier.json")],
    "alerting": ["alerting.py", "--out", str(BUILD / "bench_alerting.json")],
    "alerting_replay": ["alerting_replay.py", "--calls", "50000", "--out", str(BUILD / "bench_alerting_replay.json")],
}


def main() -> int:
    """The exit code: 0 only if every benchmark ran."""
    BUILD.mkdir(exist_ok=True)
    found, failed = {}, 0
    for name, (script, *arguments) in EACH.items():
        print(f"\n# {name}", flush=True)
        code = subprocess.call([sys.executable, str(ROOT / "benchmarks" / script), *arguments], cwd=ROOT)
        failed += code != 0
        kept = BUILD / f"bench_{name}.json"
        if code == 0 and kept.exists():
            found[name] = json.loads(kept.read_text("utf-8"))
    (BUILD / "bench.json").write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
