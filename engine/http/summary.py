"""Figures from the store's counters and queues."""

from dataclasses import asdict
from typing import Any

from engine.http.service import Service
from engine.store import queues, views


async def summary(s: Service) -> dict[str, Any]:
    """Counters as a tree: metric → labels → n, beside what waits where."""
    city = s.rules().city
    tree: dict[str, dict[str, int]] = {}
    for name, n in sorted((await views.counts(s.client, city.id)).items()):
        metric, _, labels = name.partition("|")
        tree.setdefault(metric, {})[labels] = n
    return {
        "city": {"id": city.id, "name": city.name},
        "counts": tree,
        "queues": await queues.depths(s.client, city.id),
        "diversion": _diversion(tree.get("fenliu_calls_total", {})),
        "rules": {"city": city.version, "models": s.rules().engine.models.version, "fault": s.rules_fault()},
        "incidents": [asdict(i) for i in s.incidents()],
        "undecided": [
            {name: each[name] for name in ("call_id", "tries", "why")}
            for each in await views.undecided(s.client, city.id)
        ],
    }


def _diversion(calls: dict[str, int]) -> dict[str, float | int]:
    """Share of calls that were not police matters, and of those the share handed over without a person."""
    total = sum(calls.values())
    other = sum(n for labels, n in calls.items() if "matter=police" not in labels)
    handed = sum(n for labels, n in calls.items() if "matter=police" not in labels and "handoff=none" not in labels)
    return {
        "calls": total,
        "non_police": other,
        "diverted": handed,
        "non_police_share": round(other / total, 4) if total else 0.0,
        "diversion_rate": round(handed / other, 4) if other else 0.0,
    }
