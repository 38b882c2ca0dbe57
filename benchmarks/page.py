"""Writes docs/performance.md from build/bench.json (`make bench`, then `python -m benchmarks.page`)."""

import json
import re
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


def page(bench: dict[str, Any], before: str = "") -> str:
    """The page. A part whose benchmark did not run stands as it stood on the page `before`, with its own date."""
    old = _sections(before)
    parts = [_HEAD]
    for name, (part, *headings) in _PARTS.items():
        ran = name in bench or (name == "others" and "alerting_replay" in bench)
        parts += [part(bench)] if ran else [old[heading] for heading in headings if heading in old]
    return "\n".join(parts)


def _sections(text: str) -> dict[str, str]:
    """Heading → section, heading line included."""
    found = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {section.partition("\n")[0].removeprefix("## "): section.rstrip("\n") + "\n" for section in found}


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

At half the capacity of the full decision ({half["calls_per_s"]} calls/s, open arrivals, the same for both; goal of the
full decision: p99 at most 25 ms). Writing and flushing as many bytes, one after the other, is what
the disk alone costs. The store of the full decision began {half["log_rewrites"]} times to write its log anew meanwhile.

{_table(("", "p50 ms", "p90 ms", "p99 ms", "max ms"), _at_half(half))}"""


def _at_half(half: dict[str, Any]) -> list[tuple[Any, ...]]:
    names = {
        "full": "full decision",
        "floor": "floor, a trip for each call",
        "driver_late": "of this the driver itself was late",
        "flush": "one flush of the disk",
    }
    return [(said, *(half[name][p] for p in ("p50_ms", "p90_ms", "p99_ms", "max_ms"))) for name, said in names.items()]


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


def _loop(bench: dict[str, Any]) -> str:
    found = bench["loop"]
    counts = [
        ("over 1 ms", f"{found['over_1_ms']} ({found['over_1_ms_per_100_calls']} in 100 calls)"),
        ("over 2 ms", found["over_2_ms"]),
        ("over 5 ms", found["over_5_ms"]),
        ("longest", f"{found['longest_ms']:.1f} ms"),
        ("with a full collection of garbage", found["with_full_collection"]),
    ]
    return f"""## Steps of the loop

{_machine(found["machine"])}
{found["calls"]} calls at {found["rate"]:g}/s took the API process's loop {found["steps"]} steps. A step's length is its
processor time; nobody else is served meanwhile. A fixed piece of work took {found["slowed"]} times its best time.

{_table(("steps", ""), counts)}"""


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


def _deadlines(bench: dict[str, Any]) -> str:
    found = bench["deadlines"]
    trials, cost = found["trials"], found["cpu_us_per_clock"]
    calls = f"{found['calls_per_s']:g} calls/s"
    means = {
        "spread": f"{trials['spread']['clocks']:,}, at {found['orders'] / found['span_s']:.0f}/s, {calls}",
        "burst": f"{trials['burst']['clocks']:,} within one second, {calls}",
        "backlog": f"{trials['backlog']['clocks']:,} in one millisecond, no calls",
    }
    rows = [
        (
            means[name],
            f"{t['rang']:,}",
            t["per_s"],
            *(t["lag_ms"][q] for q in ("p50", "p90", "p99", "p99.9", "max")),
            f"{t['within_1_s']:.2%}",
        )
        for name, t in trials.items()
    ]
    head = ("clocks", "rang", "/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "within 1 s")
    took = found["calls"].get("answer", {})
    return f"""## Clocks

{_machine(found["machine"])}
{found["orders"]:,} open orders at the start, each with one clock: every second one a reminder, the others overdue
marks. Lag is from the stored instant to the entry committed, on the store's clock (`appendfsync always`). All of a
city's orders falling due within {found["span_s"]} s is a storm: by themselves they fall due over days. Bodies pull
their messages.

{_table(head, rows)}
Processor time of one clock with its message: worker {cost.get("worker", 0)} µs, store {cost.get("store", 0)} µs: one
worker process, beside the store on this machine, rings what the column /s of the backlog says. Calls meanwhile were
answered in {took.get("p50_ms", "–")} ms (p50) and {took.get("p99_ms", "–")} ms (p99). An open order with its line,
clock and lists weighs {found["bytes_per_open_order"]:,} bytes in the store.
{_late(trials["spread"].get("late", {}))}"""


def _late(late: dict[str, Any]) -> str:
    """Why the late ones of the first row were late."""
    if not late.get("seconds"):
        return ""
    return (
        f"\nThe late ones of the first row fell due in {len(late['seconds'])} of the seconds, "
        f"{late['beside_a_rewrite']} of them while the store wrote its log anew.\n"
    )


def _classifier(bench: dict[str, Any]) -> str:
    found = bench["classifier"]
    rows = [
        ("scikit-learn's pipeline, margins", f"{found['plain_pipeline_us']:.0f}"),
        ("fused, score", f"{found['fused_score_us']:.0f}"),
        ("fused, score, texts of 30 to 60 characters", f"{found['fused_score_usual_us']:.0f}"),
        ("whole reading: phrases, signs, place, reasons", f"{found['whole_reading_us']:.0f}"),
        ("whole reading, texts of 30 to 60 characters", f"{found['whole_reading_usual_us']:.0f}"),
    ]
    if "fasttext_us" in found:
        rows.append(("fastText trained on the same texts, categories only", f"{found['fasttext_us']:.0f}"))
    return f"""## The classifier by itself

{_machine(found["machine"])}
One text at a time on one core, every fifth text of the test part. Goal: a score in at most 80 µs, and the same figures
as scikit-learn's own pipeline to 1e-9 (greatest difference here: {found["greatest_difference"]:.1e}).

{_table(("", "median µs a text"), rows)}"""


def _others(bench: dict[str, Any]) -> str:
    rows = []
    if "alerting_replay" in bench:
        replay = bench["alerting_replay"]
        rows.append(
            (
                f"replay of {replay['calls']} calls, {replay['models']} models",
                f"{replay['microseconds_per_call']} µs a call",
            )
        )
    return "## Parts by themselves\n\n" + _table(("", ""), rows) if rows else ""


_PARTS: dict[str, tuple[Any, ...]] = {
    "full_path": (_full_path, "The full decision beside its floor"),
    "steps": (_steps, "Where the microseconds go"),
    "loop": (_loop, "Steps of the loop"),
    "classifier": (_classifier, "The classifier by itself"),
    "load": (_load, "End to end, with worker and bodies", "Capacity"),
    "deadlines": (_deadlines, "Clocks"),
    "others": (_others, "Parts by themselves"),
}
"""Benchmark → its part of the page and the headings in it."""


def main() -> None:
    """Writes the page."""
    bench = json.loads((ROOT / "build" / "bench.json").read_text("utf-8"))
    written = ROOT / "docs" / "performance.md"
    written.write_text(page(bench, written.read_text("utf-8") if written.exists() else ""), "utf-8")


if __name__ == "__main__":
    main()
