"""What a trial found: figures, findings and the verdict, as JSON and as a table for people. Pure but for printing."""

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from load_tests.reconcile import KINDS, reconcile
from load_tests.seen import Seen

HANDOFFS = ("dispatch", "transfer", "three_way", "work_order", "join", "none")
_MOST_SHOWN = 20


def report_of(seen: Seen) -> dict[str, Any]:
    """Everything a person or a check wants to know; `ok` is the verdict."""
    findings = reconcile(seen)
    happened = _happened(seen)
    return {
        "ok": not findings and all(happened.values()),
        "calls": len(seen.sent),
        "handoffs": _ordered(_counted(seen, "handoff"), HANDOFFS),
        "matters": dict(_counted(seen, "matter")),
        "orders": len(seen.orders),
        "order_states": dict(Counter(o["state"] for o in seen.orders)),
        "line": _line_figures(seen),
        "alerts": _alert_figures(seen),
        "messages": _message_figures(seen),
        "done": dict(sorted(seen.done.items())),
        "happened": happened,
        "missing": [name for name, found in happened.items() if not found],
        "reconciliation": _ordered(Counter(f.kind for f in findings), KINDS),
        "findings": [asdict(f) for f in findings],
        "against_expectation": unexpected(seen),
        "clock_moved_s": round(seen.moved_s),
        "took_s": round(seen.took_s, 1),
    }


def _ordered(counted: Counter[str], names: tuple[str, ...]) -> dict[str, int]:
    """With the zeros, in a fixed order."""
    return {name: counted[name] for name in names}


def _counted(seen: Seen, field: str) -> Counter[str]:
    return Counter(s.answer["decision"][field] for s in seen.sent if s.answer)


def _line_figures(seen: Seen) -> dict[str, int]:
    """How often each thing happened, by the time lines."""
    counted = Counter(e.what for e in seen.entries() if e.what.startswith("order."))
    return {name.removeprefix("order."): n for name, n in sorted(counted.items())}


def _alert_figures(seen: Seen) -> dict[str, Any]:
    """Alerts by model and state, with their second reviews and on-site checks."""
    return {
        "total": len(seen.alerts),
        "models": dict(Counter(a["model"] for a in seen.alerts).most_common()),
        "states": dict(Counter(a["state"] for a in seen.alerts)),
        "reviewed": sum(a["reviewer"] is not None for a in seen.alerts),
        "checked_on_site": sum(a["state"] == "checked" for a in seen.alerts),
    }


def _message_figures(seen: Seen) -> dict[str, Any]:
    """Deliveries by type, tries beyond the first, and messages no try got across (dead bodies)."""
    return {
        "received": sum(m["accepted"] > 0 for m in seen.messages),
        "types": dict(Counter(m["type"] for m in seen.messages).most_common()),
        "retried": sum(m["tries"] > 1 for m in seen.messages),
        "tries": sum(m["tries"] for m in seen.messages),
        "accepted_again": sum(max(0, m["accepted"] - 1) for m in seen.messages),
        "never_taken": sum(m["accepted"] == 0 for m in seen.messages),
        "unbelieved": sum(seen.unbelieved.values()),
    }


def _happened(seen: Seen) -> dict[str, bool]:
    """The kinds a trial must contain to mean anything."""
    handoffs = _counted(seen, "handoff")
    missed = {e.subject for e in seen.entries("order.overdue")}
    supervised = {e.subject for e in seen.entries("order.supervised")}
    reviewed = {e.subject for e in seen.entries("order.review")}
    sent = {e.subject for e in seen.entries("order.sent")}
    # An unsure call is handed over when a person has decided it: then its order tells how.
    handoffs.update(o["handoff"] for o in seen.orders)
    found = {f"handoff_{name}": handoffs[name] > 0 for name in HANDOFFS}
    return found | {
        "duplicate_joined": any(True for _ in seen.entries("order.joined")),
        "returned": any(True for _ in seen.entries("order.return")),
        "deadline_missed_and_supervised": bool(missed & supervised),
        "taken_over": any(True for _ in seen.entries("order.taken_over")),
        "review_decided": bool(reviewed & sent),
        "alert_reviewed_and_checked": any(a["reviewer"] and a["state"] == "checked" for a in seen.alerts),
        "delivery_retried": any(m["tries"] > 1 and m["accepted"] for m in seen.messages),
    }


def unexpected(seen: Seen) -> list[dict[str, Any]]:
    """Calls whose decision is beyond doubt and came out otherwise. Told, but no part of `ok`: the classifier's page."""
    found = []
    for sent in seen.sent:
        decision = sent.answer.get("decision", {})
        for name, right in sent.call.expect.items():
            if sent.answer and decision[name] != right and not (name == "matter" and decision["review"]):
                found.append(
                    {
                        "call": sent.call.number,
                        "text": sent.call.text,
                        "field": name,
                        "is": decision[name],
                        "right": right,
                    }
                )
    return found


def print_report(report: dict[str, Any], *, as_json: bool) -> None:
    """JSON on one line, or tables."""
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    console = Console()
    for title, rows in _tables(report):
        table = Table(title=title, title_justify="left", show_header=False, min_width=46)
        for name, value in rows.items():
            table.add_row(name, str(value))
        console.print(table)
    for finding in report["findings"][:_MOST_SHOWN]:
        console.print(f"[red]{finding['kind']}[/] {finding['subject']}: {finding['text']}")
    for name in report["missing"]:
        console.print(f"[red]did not happen[/] {name}")
    console.print("[green]ok[/]" if report["ok"] else "[red]not ok[/]")


def _tables(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    total = {"calls": report["calls"], "orders": report["orders"], "alerts": report["alerts"]["total"]}
    total |= {"clock moved": f"{report['clock_moved_s'] / 3600:.1f} h", "took": f"{report['took_s']} s"}
    messages = {k: v for k, v in report["messages"].items() if k != "types"}
    alerts = {k: v for k, v in report["alerts"].items() if k not in ("models", "total")}
    return [
        ("Trial", total),
        ("Handoffs", report["handoffs"]),
        ("Orders at the end", report["order_states"]),
        ("Time lines", report["line"]),
        ("Alerts", alerts | {f"model {k}": v for k, v in report["alerts"]["models"].items()}),
        ("Messages", messages | report["messages"]["types"]),
        ("Reconciliation", report["reconciliation"]),
    ]
