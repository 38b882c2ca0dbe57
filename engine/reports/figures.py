"""What a range of calls adds up to: shares by matter and handoff, and where and when they came from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.call import Instant


@dataclass(frozen=True, slots=True)
class Row:
    """What figures need of one call."""

    at: Instant
    matter: str
    handoff: str
    category: str
    review: bool
    danger: bool
    district: str = ""
    township: str = ""


def row_of(stored: dict[str, Any]) -> Row:
    """From a stored call with its answer, as the store's views give it."""
    decision = stored["answer"]["decision"]
    return Row(
        at=stored["call"]["received_at"],
        matter=decision["matter"],
        handoff=decision["handoff"],
        category=decision["category"],
        review=decision["review"],
        danger=decision["danger"],
        district=decision["area"]["district"],
        township=decision["area"]["township"],
    )


def received(rows: Sequence[Row]) -> dict[str, Any]:
    """Calls by matter, handoff and category, and the two published rates (0 when nothing came).

    `diversion_rate` is the share of non-police calls handed over without a person, as Hangzhou publishes it
    (DOMAIN M1: 52 %).
    """
    other = [r for r in rows if r.matter != "police"]
    handed = sum(r.handoff != "none" and not r.review for r in other)
    return {
        "calls": len(rows),
        "by_matter": _counted(r.matter for r in rows),
        "by_handoff": _counted(r.handoff for r in rows),
        "by_category": _counted(r.category for r in rows),
        "danger": sum(r.danger for r in rows),
        "review": sum(r.review for r in rows),
        "non_police_share": _share(len(other), len(rows)),
        "diversion_rate": _share(handed, len(other)),
    }


def hot_spots(rows: Iterable[Row], tz: str) -> list[dict[str, Any]]:
    """Townships by number of calls, each with its calls by local hour (24 numbers) and its main categories.

    Calls whose place is unknown are one row with an empty township: they are not left out of the picture.
    """
    places: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        places.setdefault((row.district, row.township), []).append(row)
    spots = [
        {
            "district": district,
            "township": township,
            "calls": len(found),
            "by_hour": _by_hour(found, ZoneInfo(tz)),
            "categories": [{"category": c, "calls": n} for c, n in Counter(r.category for r in found).most_common(5)],
        }
        for (district, township), found in places.items()
    ]
    return sorted(spots, key=lambda s: (-s["calls"], s["district"], s["township"]))


def _by_hour(rows: Iterable[Row], zone: ZoneInfo) -> list[int]:
    counted = Counter(datetime.fromtimestamp(r.at / 1000, zone).hour for r in rows)
    return [counted[hour] for hour in range(24)]


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
