"""What a range of calls adds up to in one glance (`/v1/reports/summary`): by matter, handoff, category. Pure.

The figures with their definitions stand in catalogue.py; these are the counts beside them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

RECEIVED = """
SELECT matter, handoff, category, review, danger, count(*) AS n FROM calls
WHERE "at" >= $start AND "at" < $end GROUP BY ALL ORDER BY ALL
"""
"""Calls of a range, counted by everything the glance asks."""


def received(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Calls by matter, handoff and category, and the two published rates (0 when nothing came).

    `diversion_rate` is the share of non-police calls handed over without a person, as Hangzhou publishes it
    (DOMAIN M1: 52 %).
    """
    counted = list(rows)
    whole = sum(r["n"] for r in counted)
    other = sum(r["n"] for r in counted if r["matter"] != "police")
    handed = sum(r["n"] for r in counted if r["matter"] != "police" and r["handoff"] != "none" and not r["review"])
    return {
        "calls": whole,
        "by_matter": _by(counted, "matter"),
        "by_handoff": _by(counted, "handoff"),
        "by_category": _by(counted, "category"),
        "danger": sum(r["n"] for r in counted if r["danger"]),
        "review": sum(r["n"] for r in counted if r["review"]),
        "non_police_share": _share(other, whole),
        "diversion_rate": _share(handed, other),
    }


def _by(rows: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row[name]] += row["n"]
    return dict(counted.most_common())


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
