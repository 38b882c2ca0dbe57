"""What a run says, end to end: calls, orders at bodies, reminders after deadlines, instructions after alerts. Pure."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from load_tests.latency import Latencies
from load_tests.loadtest import Run
from load_tests.reconcile import Finding

LATE_ORDER_S = 60.0
"""A province publishes 99.8 % dispatched within one minute."""


@dataclass(frozen=True, slots=True)
class Goals:
    """The 99th percentile that each measure may have, in milliseconds; 0 asks for nothing."""

    answer: float = 0.0
    order_at_body: float = 0.0
    reminder_after_deadline: float = 0.0
    instruction_after_alert: float = 0.0


def figures(run: Run) -> dict[str, Any]:
    """Rates, statuses, and the four latencies (from the scheduled start of the call where a call starts them)."""
    answered = [a for a in run.arrivals if a.status == 200]
    took = max((a.ended for a in run.arrivals), default=0.0)
    return {
        "scheduled": len(run.arrivals) + run.not_made,
        "not_made": run.not_made,
        "statuses": dict(Counter(str(a.status) for a in run.arrivals)),
        "failed": len(run.arrivals) - len(answered),
        "answered_per_s": round(len(answered) / took, 1) if took else 0.0,
        "driver_lag_ms": round(run.lag_s * 1000, 1),
        "tags": dict(Counter(a.tag for a in run.arrivals)),
        "handoffs": dict(Counter(a.handoff for a in answered)),
        "answer": Latencies(a.ended - a.due for a in answered).view(),
        "service_only": Latencies(a.ended - a.began for a in answered).view(),
        "order_at_body": Latencies(_to_body(run).values()).view(),
        "reminder_after_deadline": Latencies(run.reminded).view(),
        "instruction_after_alert": Latencies(_to_instruction(run).values()).view(),
        "by_second": by_second(run),
    }


def _to_body(run: Run) -> dict[str, float]:
    """Order id → seconds from the scheduled call that opened it to its body."""
    opened = {a.order_id: a for a in run.arrivals if a.status == 200 and a.handoff != "join"}
    return {o: at - run.started_at - opened[o].due for o, at in run.received.items() if o in opened}


def _to_instruction(run: Run) -> dict[str, float]:
    """Alert id → seconds from the call that met the condition to the instruction, where no person came between."""
    told = {t["alert_id"]: a for a in run.arrivals for t in a.answer.get("alerts", ()) if t["state"] == "instructed"}
    return {i: at - run.started_at - told[i].due for i, at in run.instructed.items() if i in told}


def by_second(run: Run) -> list[dict[str, float]]:
    """For each second of the run: calls due, answered, the median and the worst answer in milliseconds."""
    rows: dict[int, list[float]] = {}
    due: Counter[int] = Counter(int(a.due) for a in run.arrivals)
    for arrival in run.arrivals:
        if arrival.status == 200:
            rows.setdefault(int(arrival.due), []).append((arrival.ended - arrival.due) * 1000)
    return [
        {
            "s": s,
            "due": due[s],
            "answered": len(v),
            "p50_ms": round(sorted(v)[len(v) // 2], 2),
            "max_ms": round(max(v), 2),
        }
        for s, v in sorted(rows.items())
    ]


def late(run: Run) -> list[Finding]:
    """Orders that came to their body later than a minute after the call."""
    return [
        Finding("late", order_id, f"came to its body {seconds:.1f} s after the call")
        for order_id, seconds in _to_body(run).items()
        if seconds > LATE_ORDER_S
    ]


def missed_goals(shown: dict[str, Any], goals: Goals) -> list[str]:
    """Goals that were not met, in words."""
    missed = []
    if shown["not_made"]:
        missed.append(f"{shown['not_made']} arrivals were not made")
    if shown["failed"]:
        missed.append(f"{shown['failed']} calls were not answered 200")
    found = shown.get("reconciliation")
    if found and any(found.values()):
        missed.append("reconciliation: " + ", ".join(f"{n} {kind}" for kind, n in found.items() if n))
    for name, goal in asdict(goals).items():
        p99 = shown[name].get("p99_ms")
        if goal and (p99 is None or p99 > goal):
            missed.append(f"{name}: p99 {p99} ms, goal {goal:g} ms")
    return missed
