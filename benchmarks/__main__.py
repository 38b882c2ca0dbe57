"""Runs every benchmark in turn, prints its table and gathers the figures in build/bench.json.

Each has a bounded time; what fails or takes longer is said, and the figures of the others are kept. Names given
on the command line run only those. `python -m benchmarks.page` makes docs/performance.md of the figures.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
MOST_S = 600
EACH = {
    "full_path": ["--rounds", "6"],
    "steps": [],
    "loop": [],
    "load": ["--seconds", "3"],
    "classifier": ["--fasttext", "--json", str(BUILD / "bench_classifier.json")],
    "linking": ["--json", str(BUILD / "bench_linking.json")],
    "alerting": [],
    "alerting_replay": ["--calls", "50000"],
    "console": [],
    "history": [],
    "cluster": [],
    "deadlines": ["--out", str(BUILD / "bench_deadlines.json")],
}


def ran(name: str, arguments: list[str]) -> bool:
    """Whether one benchmark ran to its end within its time."""
    print(f"\n# {name}", flush=True)
    child = subprocess.Popen([sys.executable, "-m", f"benchmarks.{name}", *arguments], cwd=ROOT)
    try:
        return child.wait(MOST_S) == 0
    except subprocess.TimeoutExpired:
        print(f"{name} took longer than {MOST_S} s and is ended", file=sys.stderr)
        child.send_signal(signal.SIGINT)  # so that it ends the services it started
        child.wait(60)
        return False


def main(names: list[str]) -> int:
    """The exit code: 0 only if every benchmark ran."""
    BUILD.mkdir(exist_ok=True)
    gathered = BUILD / "bench.json"
    found = json.loads(gathered.read_text("utf-8")) if names and gathered.exists() else {}
    failed = 0
    for name in names or EACH:
        kept = BUILD / f"bench_{name}.json"
        if ran(name, EACH[name]) and kept.exists():
            found[name] = json.loads(kept.read_text("utf-8"))
        else:
            failed += 1
    gathered.write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
