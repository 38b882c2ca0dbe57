"""A run's figures as lines for a person at a terminal. Pure."""

from typing import Any

from load_tests.compare import MEASURES, compare


def said(shown: dict[str, Any], before: dict[str, Any] | None = None) -> str:
    """All of it, a line for each figure."""
    head = (
        f"{shown['shape']}: {shown['scheduled']} calls in {shown['seconds']:g} s, {shown['faster_than_life']:g} × life"
    )
    lines = [
        head,
        f"not made {shown['not_made']}, failed {shown['failed']}, {shown['answered_per_s']:g} answered a second",
    ]
    for measure in MEASURES:
        found = shown[measure]
        if found["count"]:
            values = "  ".join(f"{name.removesuffix('_ms')} {found[name]:g}" for name in found if name.endswith("_ms"))
            lines.append(f"{measure:24} {values} ms ({found['count']})")
    spent = shown.get("cpu_us_per_call", {})
    lines += (
        ["processor per call: " + ", ".join(f"{kind} {one:.0f} us" for kind, one in spent.items())] if spent else []
    )
    lines += [
        f"step {s['rate']:g}/s: p99 {s['p99_ms']:g} ms, {'holds' if s['holds'] else 'misses'}"
        for s in shown.get("steps", ())
    ]
    lines += [f"reconciliation: {kind} {n}" for kind, n in shown.get("reconciliation", {}).items()]
    lines += [f"{f['kind']} {f['subject']}: {f['text']}" for f in shown.get("findings", [])[:20]]
    lines += [f"{r.name}: {r.before:g} → {r.after:g} ({r.verdict})" for r in (compare(before, shown) if before else ())]
    return "\n".join(
        lines + [f"missed: {m}" for m in shown["missed_goals"]] + ([] if shown["missed_goals"] else ["ok"])
    )
