"""docs/reliability.md from the results of the campaigns in build/: faults.json, long_run.json, bench_cluster.json.

fenliu loadtest --faults all --out build            # or: pytest -m soak tests/scenario/test_fault_campaign.py
python -m benchmarks.cluster
python -m benchmarks.reliability_page
"""

import json
import re
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_FAULTS, _LONG, _CLUSTER = "## Faults under load", "## The long run", "## Cluster"
_HEAD = """# Reliability

<!-- Made by `python -m benchmarks.reliability_page` from the campaigns' results in build/. -->

## What is promised, with which settings

*Answered* is a call whose webhook got 200. A call that got anything else, or nothing, is sent again by the call centre under
its `webhook-id`: that is always harmless.

| store | setting | an answered call survives | it may be lost when |
|---|---|---|---|
| embedded, or an outside Redis | `appendfsync always` (embedded: always so) | `kill -9` of any process, power loss | the disk loses what it said was written |
| outside Redis | `appendfsync everysec` | `kill -9` of our processes and of Redis | the machine dies: the last second or two |
| with replicas, Sentinel or Cluster | `FENLIU_STORE_REPLICAS_ACK=0` | as above | a fail-over: what the replica did not have yet |
| with replicas, Sentinel or Cluster | `FENLIU_STORE_REPLICAS_ACK=n` | a fail-over to any replica that confirmed | the master and all n that confirmed die, before their disks have it |

- `FENLIU_STORE_REPLICAS_ACK=n` lets every change wait (`WAIT`) until n replicas have it in memory; with
  `appendfsync always` on the replicas it is on their disk when they confirm the next one. Without n confirmations the call is
  answered 503. A master cut off from its replicas therefore acknowledges nothing.
- With one replica for each master and n = 1, a fail-over leaves the new master without a replica: nothing of its cities is
  acknowledged until the dead server is back. Run n + 1 replicas for each master.
- Which replica is elected is Redis's choice (the one that is furthest); with several replicas and n = 1 a replica that did not
  confirm could win after a partition. n = all replicas excludes that.
- **Cluster**: a city lies in one slot. While its slot moves, calls of that city are answered 503 and nothing is written by
  halves: every stored function asks for a key that nobody has before it writes, which a slot on the move refuses.
- **Rolling upgrade**: stored functions carry the hash of their text in their names. Versions run side by side on one store; an
  older process never replaces a newer one's functions. A record's field that the older version does not know is dropped
  when the older one moves that record: a release may rely on a new field only after the last old process is gone.
  Counters at `/metrics` of an older process may lack what a newer one counts; the newer one's hold both.
- **Messages to bodies** are delivered at least once under one `webhook-id`.
- **A disk that loses what it said was written** takes the last moments with it: calls come again from their call centre, but a
  body may have been told of an order in a way that is then decided anew, and the new message may carry an id it knows.
  The deadline ladder finds such an order; the campaign counts these cases apart.
- **Backup** is the store at one instant; what was answered later is not in it ([operating.md](operating.md)).
"""  # noqa: E501 - a table's rows are lines


def page(faults: dict[str, Any], long_run: dict[str, Any], cluster: dict[str, Any]) -> str:
    """The page; what was not run is said."""
    parts = [_HEAD, f"{_FAULTS}\n", _faults(faults), f"{_LONG}\n", _long_run(long_run)]
    return "\n".join([*parts, f"{_CLUSTER}\n", _cluster(cluster)])


def _faults(found: dict[str, Any]) -> str:
    if not found:
        return "Not run on this machine yet: `fenliu loadtest --faults all --out build`.\n"
    rows = [
        f"| `{f['fault']}` | {f['took_s']:g} | {_outcome(f)} | {f['skipped'] or f['told'] or '—'} |"
        for f in found["faults"]
    ]
    head = "| fault | seconds | afterwards | who told a person |\n|---|---|---|---|"
    return f"{_said(found)}\n\n{head}\n" + "\n".join(rows) + "\n"


def _outcome(fault: dict[str, Any]) -> str:
    if fault["skipped"]:
        return "not done"
    return "; ".join(f"{f['kind']} {f['subject']}: {f['text']}" for f in fault["findings"][:3]) or "all adds up"


def _said(found: dict[str, Any]) -> str:
    machine = found["machine"]
    counted = ", ".join(f"{kind} {n}" for kind, n in found["reconciliation"].items())
    where = f"{machine['at']}, {machine['cores']} cores, load average {machine['load_average'][0]}"
    return (
        f"Measured {where}. {found['calls']} calls came in meanwhile, each sent again until it was answered. "
        f"Every call, answer, order, time line and message was matched afterwards: {counted}.{_aside(found)}"
    )


def _aside(found: dict[str, Any]) -> str:
    most = max((f.get("set_aside", 0) for f in found["faults"]), default=0)
    said = "about messages that bodies had received of a past which the cut log then no longer held"
    return f" Set aside: {most} findings {said}." if most else ""


def _long_run(found: dict[str, Any]) -> str:
    if not found:
        return "Thirty minutes of every fault: `pytest -m soak tests/scenario/test_long_run.py`. Not run here yet.\n"
    done = [f for f in found["faults"] if f["fault"] != "end"]
    kinds = {f["fault"]: [g for g in done if g["fault"] == f["fault"]] for f in done}
    rows = [
        f"| `{kind}` | {len(each)} | {median(f['took_s'] for f in each):g} | {max(f['took_s'] for f in each):g} |"
        for kind, each in sorted(kinds.items())
    ]
    wrong = [f"- `{f['fault']}`: {_outcome(f)}" for f in found["faults"] if f["findings"]]
    head = "| fault | times | seconds, median | seconds, longest |\n|---|---|---|---|"
    minutes = sum(f["took_s"] for f in done) / 60
    first = f"{len(done)} faults in {minutes:.0f} minutes of mixed calls, matched once at the end. {_said(found)}"
    return "\n".join([first, *wrong, "", head, *rows]) + "\n"


def _cluster(found: dict[str, Any]) -> str:
    if not found:
        return "Not measured on this machine yet: `python -m benchmarks.cluster`.\n"
    rows = [
        f"| {name} | {s['calls_per_cpu_s']:g} | {s['client_us']:g} | {s['server_us']:g} | {s['replicas_us']:g} |"
        for name, s in found["sides"].items()
    ]
    head = "| | calls per processor second | client µs | server µs | replicas µs |\n|---|---|---|---|---|"
    machine = found["machine"]
    return (
        f"Three masters, a replica for each. Per second of processor time it does **{found['ratio']}** of what a "
        f"standalone server does (goal {found['goal']}). Measured {machine['at']}, load average "
        f"{machine['load_average'][0]}.\n\n"
        f"{head}\n" + "\n".join(rows) + "\n"
    )


def _read(name: str) -> dict[str, Any]:
    file = ROOT / "build" / name
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return found


def main() -> None:
    """Writes the page."""
    file = ROOT / "docs" / "reliability.md"
    faults, long_run, cluster = _read("faults.json"), _read("long_run.json"), _read("bench_cluster.json")
    parts = _parts(page(faults, long_run, cluster))
    measured = {_FAULTS: faults, _LONG: long_run, _CLUSTER: cluster}
    before = _parts(file.read_text("utf-8")) if file.exists() else {}
    kept = {head: before[head] for head, found in measured.items() if not found and head in before}
    file.write_text("".join((parts | kept).values()), "utf-8")


def _parts(text: str) -> dict[str, str]:
    """Heading → its part of the page: a part that was not measured now stays as it was measured last."""
    pieces = re.split(r"(?m)^(?=## )", text)
    return {piece.partition("\n")[0]: piece for piece in pieces}


if __name__ == "__main__":
    main()
