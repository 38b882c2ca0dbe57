"""Answers about a range of time, from the store and the history together: figures, the lists behind, hot spots.

Works in a process of its own (desk.py): whatever it takes, nobody's call waits for it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from engine.history import History, Ledger
from engine.model.call import Instant
from engine.model.city import City
from engine.reports import asking, effect, facts, hotspots
from engine.reports import figures as glance
from engine.reports.catalogue import FIGURES
from engine.reports.facts import Facts
from engine.reports.sighting import Sighting, Spot
from engine.reports.usual import Range, Slot, grid, slot_of

_WEEK_MS = 7 * 86_400_000
Live = Mapping[str, list[Facts]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What every answer works with: the city, the history, and the store's rows of this moment."""

    city: City
    history: History
    live: Live

    def ledger(self, since: Instant) -> Ledger:
        """Everything from the local day of `since` on. Orders that were open then were archived later."""
        return Ledger(self.history, self.live, since=facts.day_of(since, self.city.tz))


Answer = dict[str, Any]


def figures(reading: Reading, start: Instant, end: Instant, by: str = "", kind: str = "") -> Answer:
    """Every figure of [start, end): `{"values": {id: {"of", "part", "value"}}}`.

    With `by`, `{"groups": {value of by: {id: …}}}` instead; figures that cannot be taken apart by it are left out.
    """
    found: dict[str, Answer] = {}
    with reading.ledger(start) as ledger:
        for each in asking.kinds_of(by):
            if not kind or each == kind:
                wanted = asking.of_kind(each)
                for row in ledger.ask(asking.values_of(each, wanted, by), {"start": start, "end": end}):
                    found.setdefault(row.get("by_value") or "", {}).update(_values(row))
        returners = ledger.ask(asking.RETURNERS, {"start": start, "end": end}) if not by else []
    if by:
        return {"groups": {value: rows for value, rows in sorted(found.items()) if any(r["of"] for r in rows.values())}}
    return {"values": found.get("", {}), "returned_by": returners}


def received(reading: Reading, start: Instant, end: Instant) -> Answer:
    """Calls of [start, end) in one glance."""
    with reading.ledger(start) as ledger:
        return glance.received(ledger.ask(glance.RECEIVED, {"start": start, "end": end}))


def _values(row: Mapping[str, Any]) -> dict[str, Answer]:
    found = {}
    for each in FIGURES.values():
        if f"of_{each.id}" in row:
            of, part = row[f"of_{each.id}"], row.get(f"part_{each.id}")
            value = of if part is None else round(part / of, 4) if of else None
            found[each.id] = {"of": of, "part": part, "value": value}
    return found


def records(
    reading: Reading, figure: str, start: Instant, end: Instant, side: str, by: str, value: str, limit: int, skip: int
) -> list[Answer]:
    """The records behind a figure, newest first: `[{"id", "at"}]`."""
    asked = {"start": start, "end": end, "limit": limit, "skip": skip} | ({"value": value} if by else {})
    with reading.ledger(start) as ledger:
        return ledger.ask(asking.records_of(FIGURES[figure], side, by), asked)


def rising(reading: Reading, start: Instant, end: Instant, weeks: int) -> Answer:
    """Hot spots of [start, end) against the weeks before, hours × weekdays, and townships by number of incidents.

    `weeks` whole weeks at most, as far back as calls are known: a city that started last month is not measured
    against weeks in which nothing was written down. Without one whole week nothing is called usual or unusual.
    """
    tz = reading.city.tz
    range_ = Range(start, end, tz)
    now, before = sightings(reading, start, end), sightings(reading, start - weeks * _WEEK_MS, start)
    known = min(weeks, (start - min((s.at for s in before), default=start)) // _WEEK_MS)
    base = Range(start - known * _WEEK_MS, start, tz)
    zone = ZoneInfo(tz)
    slots: Counter[Slot] = Counter(slot_of(s.at, zone) for s in now)
    return {
        "incidents": len(now),
        "grid": grid(slots),
        "weeks": known,
        "found": hotspots.rising(now, [s for s in before if s.at >= base.start], range_, base),
        "spots": hotspots.by_township(now, zone),
    }


def helped(
    reading: Reading, spot: Spot, hours: frozenset[int], before: tuple[Instant, Instant], after: tuple[Instant, Instant]
) -> effect.Effect:
    """Before and after a patrol."""
    seen = sightings(reading, before[0], after[1])
    return effect.helped(seen, spot, hours, Range(*before, reading.city.tz), Range(*after, reading.city.tz))


def sightings(reading: Reading, start: Instant, end: Instant) -> list[Sighting]:
    """Incidents of [start, end)."""
    with reading.ledger(start) as ledger:
        rows = ledger.ask(asking.SIGHTINGS, {"start": start, "end": end})
    return [
        Sighting(
            r["id"],
            r["at"],
            r["category"],
            r["district"],
            r["township"],
            r["community"],
            r["address"],
            r["lat"],
            r["lng"],
        )
        for r in rows
    ]
