"""The report of one run as one HTML page: figures, pictures, findings, the comparison with another run. Pure."""

from html import escape
from typing import Any

from load_tests.compare import MEASURES, compare
from load_tests.pictures import lines

_STYLE = """
:root{--one:#0b62a8;--two:#b3401b;--three:#4d7a12;--line:#d5d9de;--ink:#1b1f24;--paper:#fff;--good:#22701f;--bad:#a61b1b}
@media (prefers-color-scheme:dark){:root{--one:#6db5f2;--two:#f0906a;--three:#a5cf5f;--line:#3a4148;--ink:#e4e7ea;
--paper:#16191c;--good:#7fce7a;--bad:#f08a8a}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;
margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.2rem .9rem .2rem 0;text-align:right;
border-bottom:1px solid var(--line)}td:first-child,th:first-child{text-align:left}figure{margin:1rem 0}
svg{width:100%;height:auto}svg text{font-size:12px;fill:var(--ink)}.good{color:var(--good)}.bad{color:var(--bad)}
"""
_NAMES = {
    "answer": "call → answer",
    "service_only": "call → answer, from when it was really sent",
    "order_at_body": "call → order received by the body",
    "reminder_after_deadline": "deadline → reminder received",
    "instruction_after_alert": "alert condition met → instruction received",
}
_COLUMNS = ("count", "p50_ms", "p90_ms", "p99_ms", "p99.9_ms", "max_ms")


def page(shown: dict[str, Any], before: dict[str, Any] | None = None) -> str:
    """The whole page; `before` is another run's figures to compare with."""
    missed = shown["missed_goals"]
    verdict = (
        f'<p class="bad">Missed: {escape("; ".join(missed))}</p>' if missed else '<p class="good">All goals met.</p>'
    )
    parts = [
        f"<h1>Load test: {escape(shown['shape'])}</h1><p>{escape(_machine(shown['machine']))}</p>",
        verdict,
        _table("Calls", ("", "calls"), _counts(shown)),
        _table("End to end (milliseconds)", ("", *_COLUMNS), _latencies(shown)),
        _pictures(shown, before),
        _table("Cost of a call", ("process", "processor µs", "memory MB"), _costs(shown)),
        _table("Reconciliation", ("", "found"), list(shown.get("reconciliation", {}).items())),
        "".join(
            f"<p class=bad>{escape(f['kind'])} {escape(f['subject'])}: {escape(f['text'])}</p>"
            for f in shown.get("findings", [])
        ),
        _table(
            "Steps",
            ("calls a second", "p99 ms", "holds"),
            [(s["rate"], s["p99_ms"], s["holds"]) for s in shown.get("steps", [])],
        ),
        _table("Beside the other run", ("", "before", "after", "after / before", ""), _compared(shown, before)),
    ]
    head = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Fenliu load test</title><style>{_STYLE}</style>'
    )
    return head + "".join(parts) + "</html>"


def _machine(machine: dict[str, Any]) -> str:
    return (
        f"{machine['at']} · {machine['processor']} × {machine['cores']} · {machine['memory_gb']} GB · "
        f"Python {machine['python']} · load average {machine['load_average']}"
    )


def _table(title: str, head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    if not rows:
        return ""
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{top}</tr>{body}</table>"


def _counts(shown: dict[str, Any]) -> list[tuple[Any, ...]]:
    names = ("scheduled", "not_made", "failed", "answered_per_s", "seconds", "faster_than_life", "driver_lag_ms")
    return [(name, shown[name]) for name in names if name in shown] + [("statuses", shown["statuses"])]


def _latencies(shown: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(_NAMES[m], *(shown[m].get(c, "–") for c in _COLUMNS)) for m in MEASURES]


def _costs(shown: dict[str, Any]) -> list[tuple[Any, ...]]:
    spent, held = shown.get("cpu_us_per_call", {}), shown.get("resident_mb", {})
    return [(kind, one, held.get(kind, "–")) for kind, one in spent.items()]


def _pictures(shown: dict[str, Any], before: dict[str, Any] | None) -> str:
    seconds = shown["by_second"]
    rates = {"due": [(r["s"], r["due"]) for r in seconds], "answered": [(r["s"], r["answered"]) for r in seconds]}
    times = {"median": [(r["s"], r["p50_ms"]) for r in seconds], "worst": [(r["s"], r["max_ms"]) for r in seconds]}
    curves = {"this run": _curve(shown)} | ({"before": _curve(before)} if before else {})
    return (
        lines("Calls of each second", rates, x="seconds", y="calls")
        + lines("Answers of each second", times, x="seconds", y="ms", log=True)
        + lines("Answers by percentile", curves, x="nines (1 = 90 %, 2 = 99 %, 3 = 99.9 %)", y="ms", log=True)
    )


def _curve(shown: dict[str, Any]) -> list[tuple[float, float]]:
    nines = {"p50_ms": 0.3, "p90_ms": 1.0, "p99_ms": 2.0, "p99.9_ms": 3.0}
    return [(at, shown["answer"][name]) for name, at in nines.items() if name in shown["answer"]]


def _compared(shown: dict[str, Any], before: dict[str, Any] | None) -> list[tuple[Any, ...]]:
    if not before:
        return []
    return [(row.name, row.before, row.after, row.ratio, row.verdict) for row in compare(before, shown)]
