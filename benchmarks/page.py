"""Writes docs/performance.md from build/bench.json (`make bench`, then `python -m benchmarks.page`)."""

import json
from pathlib import Path
from typing import Any

from load_tests.shapes import BUSIEST_HOUR
from load_tests.sizing import FILL, STORM, Measured, need

ROOT = Path(__file__).resolve().parents[1]
PEOPLE = (1_000_000, 5_000_000, 12_500_000, 50_000_000)
_STEPS = {
    "signature": "signature and digest of the webhook",
    "body": "body parsed and checked, every fault named",
    "mask_and_seal": "personal data masked, hashed, sealed",
    "classifier": "classifier: matter, category, danger, place, reasons",
    "alert_models_plan": "alert models: which could fire, what to ask",
    "accept": "first trip: call durable, links, windows (our side)",
    "link": "links judged",
    "route": "whose matter, which body",
    "file": "dossier of a dispute",
    "open": "order, clock, message, time line",
    "alert": "alert models: what fires",
    "commit": "answer made; second trip: all of it durable (our side)",
}
_HEAD = """# Performance

Written by `python -m benchmarks.page` from `build/bench.json` (`make bench`); no figure here is typed by hand.
"""


def page(bench: dict[str, Any]) -> str:
    """The page; parts whose benchmark did not run are left out."""
    parts = [_HEAD]
    for name, part in (("full_path", _full_path), ("steps", _steps), ("load", _load), ("others", _others)):
        if name == "others" or name in bench:
            parts.append(part(bench))
    return "\n".join(p for p in parts if p)


def _machine(one: dict[str, Any]) -> str:
    shared = "shared with other work" if one["load_average"][0] > one["cores"] else "by itself"
    return (
        f"Measured {one['at']}: {one['processor']}, {one['cores']} cores, {one['memory_gb']} GB, "
        f"Python {one['python']}, load average {one['load_average'][0]} ({shared})."
    )


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(v) for v in row) + " |" for row in rows]) + "\n"


def _full_path(bench: dict[str, Any]) -> str:
    found = bench["full_path"]
    rows = [
        (
            name,
            s["calls_per_s"],
            s["cpu_us_per_call"],
            s["parts_us"]["api"],
            s["parts_us"]["store"],
            s["latency"]["p99_ms"],
        )
        for name, s in (
            ("full decision", found["full"]),
            ("floor, a trip for each call", found["floor"]),
            ("floor, shared trips", found["floor_shared"]),
        )
    ]
    ratio, shared, half = found["full_over_floor"], found["full_over_shared_floor"], found["half_capacity"]
    return f"""## The full decision beside its floor

{_machine(found["machine"])}
The floor is a FastAPI route and one durable function call (`appendfsync always`) that writes as many bytes
({found["bytes_to_the_store_per_call"]}) as a whole decision does. The full path has {found["models"]} alert models.
{found["connections"]} connections; slices interleaved; each side's API process and store share one core.

{_table(("", "calls/s", "processor µs/call", "API µs", "store µs", "p99 ms at full load"), rows)}
Full over floor (medians of the rounds): **{ratio["rate"]}** by rate, **{ratio["cpu"]}** by processor time (goal 0.7,
wished 0.9). Over the floor with shared trips: {shared["rate"]} and {shared["cpu"]}.
At half the capacity ({half["calls_per_s"]} calls/s, open arrivals): p50 {half["answer"].get("p50_ms", "–")} ms,
p99 {half["answer"].get("p99_ms", "–")} ms (goal 25 ms).
"""


def _steps(bench: dict[str, Any]) -> str:
    found = bench["steps"]
    whole = found["sum_us"]
    rows = [
        (_STEPS[name], found["us"][name], f"{found['us'][name] / whole:.0%}") for name in _STEPS if name in found["us"]
    ]
    return f"""## Where the microseconds go

Median processor time of each step, one call after the other in one process (a trip then is not shared with others,
which is its dearest case). {_machine(found["machine"])}

{_table(("step", "µs", "share"), [*rows, ("sum", whole, "100%")])}"""


def _load(bench: dict[str, Any]) -> str:
    calm, goal = bench["load"]["calm"], bench["load"]["goal_rate"]
    names = ("answer", "order_at_body", "reminder_after_deadline", "instruction_after_alert")
    rows = []
    for one in (calm, goal):
        for name in names:
            view = one[name]
            rows.append((f"{one['rate']:g}/s", name.replace("_", " "), view["count"], *_percentiles(view)))
    cost = Measured(
        api_us=calm["cpu_us_per_call"].get("api", 0.0),
        worker_us=calm["cpu_us_per_call"].get("worker", 0.0),
        store_us=calm["cpu_us_per_call"].get("store", 0.0),
        api_mb=calm["resident_mb"].get("api", 0.0),
        worker_mb=calm["resident_mb"].get("worker", 0.0),
        store_bytes_a_call=calm["store_log_bytes_per_call"],
        busiest_hour=BUSIEST_HOUR,
    )
    return f"""## End to end, with worker and bodies

{_machine(calm["machine"])}
Open arrivals, latency from the scheduled start. Goal at {goal["rate"]:g} calls/s: order at its body p99 ≤ 250 ms.
Missed at that rate here: {"; ".join(goal["missed_goals"]) or "nothing"}.

{_table(("calls", "measure", "count", "p50 ms", "p99 ms", "max ms"), rows)}
Matched one by one at {calm["rate"]:g}/s: {", ".join(f"{k} {n}" for k, n in calm.get("reconciliation", {}).items())}.

## Capacity

What one call cost there, with everything its order then needed: API {cost.api_us:.0f} µs, worker
{cost.worker_us:.0f} µs, store {cost.store_us:.0f} µs of processor time; {cost.store_bytes_a_call} bytes of the store's
log. Planned with {FILL:.0%} of a core, for the busiest hour of a day in a storm ({STORM:g} times the usual rate).

{_sizes(cost)}"""


def _percentiles(view: dict[str, float]) -> tuple[Any, ...]:
    return tuple(view.get(name, "–") for name in ("p50_ms", "p99_ms", "max_ms"))


def _sizes(cost: Measured) -> str:
    rows = []
    for people in PEOPLE:
        n = need(people, cost)
        share = f"{n.store_share:.1%}"
        rows.append(
            (f"{people:,}", n.calls_a_day, n.peak_per_s, n.api, n.workers, share, n.process_mb, n.store_mb_a_year)
        )
    head = ("people", "calls a day", "peak /s", "API", "workers", "store, of a core", "processes MB", "store MB a year")
    return _table(head, rows)


def _others(bench: dict[str, Any]) -> str:
    rows = []
    if "classifier" in bench:
        rows.append(("classifier, one whole reading", f"{bench['classifier']['whole_reading_us']:.0f} µs"))
    if "alerting_replay" in bench:
        replay = bench["alerting_replay"]
        rows.append(
            (
                f"replay of {replay['calls']} calls, {replay['models']} models",
                f"{replay['microseconds_per_call']} µs a call",
            )
        )
    return "## Parts by themselves\n\n" + _table(("", ""), rows) if rows else ""


def main() -> None:
    """Writes the page."""
    bench = json.loads((ROOT / "build" / "bench.json").read_text("utf-8"))
    (ROOT / "docs" / "performance.md").write_text(page(bench), "utf-8")


if __name__ == "__main__":
    main()
