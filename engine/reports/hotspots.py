"""Hot spots 热点 (DOMAIN M11): places that rise against their own usual level, with the reason in words. Pure.

Not merely the busiest: a station square is busy every day. A place is a hot spot when its number of incidents in some
hours is too high to be chance against its own past for those weekdays and hours, after correction for how many
places and hours were looked at.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.city import City
from engine.reports.sighting import LEVELS, Sighting, Spot, named
from engine.reports.usual import Level, Range, Slot, adjusted, slot_of, spread_of, usual, week_numbers

LEAST = 3
"""Incidents below which nothing is called a hot spot."""
MOST_FALSE = 0.05
"""Share of false alarms allowed among the places named (Benjamini-Hochberg)."""
EXPLAINS = 0.6
"""A narrower place that makes up so much of a wider one's excess speaks for it."""
_BANDS = tuple(frozenset(range(h, h + 3)) for h in range(0, 24, 3))
_ALL_DAY = frozenset(range(24))
_DAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Rising:
    """One hot spot."""

    spot: Spot
    hours: frozenset[int]
    """Local hours in which it rises; all 24 for the whole day."""
    calls: int
    usual: float
    """Incidents to be expected in those hours of the range."""
    chance: float
    """Of so many or more if nothing has changed, for this place alone (0–1)."""
    corrected: float
    """The same after correction for every place and band of hours that was looked at."""
    weekdays: tuple[int, ...]
    """Weekdays (0 = Monday) that carry the excess, when the range has whole weeks; else empty."""
    categories: tuple[tuple[str, int], ...]
    call_ids: tuple[str, ...]
    lat: float | None = None
    lng: float | None = None

    @property
    def times(self) -> float:
        """How many times the usual level."""
        return self.calls / self.usual if self.usual else float(self.calls)


@dataclass(frozen=True, slots=True)
class Found:
    """The answer for a range: what rises (most certain first), and how many looks were taken."""

    rising: tuple[Rising, ...]
    tests: int


@dataclass(slots=True)
class _Place:
    """One place's incidents, now and before."""

    now: list[Sighting]
    before: list[Sighting]


@dataclass(frozen=True, slots=True)
class _Look:
    """One test: a place in a band of hours."""

    spot: Spot
    hours: frozenset[int]
    seen: int
    level: Level
    chance: float


def rising(now: Iterable[Sighting], before: Iterable[Sighting], range_: Range, base: Range) -> Found:
    """Hot spots of `range_` against `base`, the weeks before it; none when the base is empty."""
    if base.end <= base.start:
        return Found((), 0)
    places = _places(now, before)
    zone = ZoneInfo(range_.tz)
    slots = range_.slots(), base.slots()
    looks = [look for spot, place in places.items() for look in _looks(spot, place, base, slots, zone)]
    tests = len(places) * (len(_BANDS) + 1)
    corrected = adjusted([look.chance for look in looks], tests)
    by_spot: dict[Spot, list[tuple[_Look, float]]] = defaultdict(list)
    for look, q in zip(looks, corrected, strict=True):
        if q <= MOST_FALSE and look.seen >= LEAST:
            by_spot[look.spot].append((look, q))
    found = [_one(spot, hits, places[spot], slots, base, zone) for spot, hits in by_spot.items()]
    found.sort(key=lambda r: (r.corrected, -r.times, r.spot.name))
    return Found(tuple(_unexplained(found)), tests)


def _places(now: Iterable[Sighting], before: Iterable[Sighting]) -> dict[Spot, _Place]:
    places: dict[Spot, _Place] = defaultdict(lambda: _Place([], []))
    for one in now:
        for spot in one.spots:
            places[spot].now.append(one)
    for one in before:
        for spot in one.spots:
            places[spot].before.append(one)
    return places


def _looks(
    spot: Spot, place: _Place, base: Range, slots: tuple[Counter[Slot], Counter[Slot]], zone: ZoneInfo
) -> Iterable[_Look]:
    """The tests of one place that are worth working out; the others count as chance 1."""
    if len(place.now) < LEAST:
        return
    now, before = _slots(place.now, zone), _slots(place.before, zone)
    spread = spread_of(week_numbers((s.at for s in place.before), base))
    for hours in (_ALL_DAY, *_BANDS):
        seen = sum(n for (_, hour), n in now.items() if hour in hours)
        if seen:
            level = usual(before, hours, slots[0], slots[1], spread)
            yield _Look(spot, hours, seen, level, level.surprise(seen))


def _slots(sightings: Iterable[Sighting], zone: ZoneInfo) -> Counter[Slot]:
    return Counter(slot_of(s.at, zone) for s in sightings)


def _one(
    spot: Spot,
    hits: Sequence[tuple[_Look, float]],
    place: _Place,
    slots: tuple[Counter[Slot], Counter[Slot]],
    base: Range,
    zone: ZoneInfo,
) -> Rising:
    """The hours around the surest look, grown over its significant neighbours."""
    best, corrected = min(hits, key=lambda hit: hit[0].chance)
    hours = best.hours if best.hours == _ALL_DAY else _grown(best.hours, {look.hours for look, _ in hits})
    before = _slots(place.before, zone)
    level = usual(before, hours, slots[0], slots[1], spread_of(week_numbers((s.at for s in place.before), base)))
    inside = [s for s in place.now if slot_of(s.at, zone)[1] in hours]
    located = [(s.lat, s.lng) for s in inside if s.lat is not None and s.lng is not None]
    return Rising(
        spot=spot,
        hours=hours,
        calls=len(inside),
        usual=level.mean,
        chance=best.chance,
        corrected=corrected,
        weekdays=_carrying(inside, before, hours, slots, zone),
        categories=tuple(Counter(s.category for s in inside).most_common(3)),
        call_ids=tuple(s.call_id for s in sorted(inside, key=lambda s: -s.at)),
        lat=sum(p[0] for p in located) / len(located) if located else None,
        lng=sum(p[1] for p in located) / len(located) if located else None,
    )


def _grown(hours: frozenset[int], significant: set[frozenset[int]]) -> frozenset[int]:
    """The band and its neighbours around the clock, as far as they are significant without a gap."""
    at = _BANDS.index(hours)
    grown = {at}
    for step in (1, -1):
        n = (at + step) % len(_BANDS)
        while _BANDS[n] in significant and n not in grown:
            grown.add(n)
            n = (n + step) % len(_BANDS)
    return frozenset().union(*(_BANDS[n] for n in grown))


def _carrying(
    inside: Sequence[Sighting],
    before: Mapping[Slot, int],
    hours: frozenset[int],
    slots: tuple[Counter[Slot], Counter[Slot]],
    zone: ZoneInfo,
) -> tuple[int, ...]:
    """At most three weekdays that together carry most of the excess; empty for a range under a week."""
    now_slots, before_slots = slots
    if len({day for day, _ in now_slots}) < 7:
        return ()
    seen = Counter(slot_of(s.at, zone)[0] for s in inside)
    excess = {}
    for day in range(7):
        asked = {slot: n for slot, n in now_slots.items() if slot[0] == day}
        excess[day] = seen[day] - usual(before, hours, asked, before_slots, 0.0).mean
    top = sorted((d for d in excess if excess[d] > 0), key=lambda d: -excess[d])
    whole = sum(excess[d] for d in top)
    for n in range(1, 4):
        if whole and sum(excess[d] for d in top[:n]) >= EXPLAINS * whole:
            return tuple(sorted(top[:n]))
    return ()


def _unexplained(found: Sequence[Rising]) -> list[Rising]:
    """Without wider places whose excess a narrower one, named too, mostly makes up."""
    return [wide for wide in found if not any(_explains(narrow, wide) for narrow in found)]


def _explains(narrow: Rising, wide: Rising) -> bool:
    if LEVELS.index(narrow.spot.level) <= LEVELS.index(wide.spot.level):
        return False
    shared = len(set(narrow.call_ids) & set(wide.call_ids))
    return shared - narrow.usual >= EXPLAINS * (wide.calls - wide.usual)


def by_township(now: Iterable[Sighting], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Townships by number of incidents, each with 24 numbers by local hour and its five main categories.

    Incidents whose place is unknown are one row with an empty township: they are not left out of the picture.
    """
    places: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    for one in now:
        places[one.district, one.township].append(one)
    rows = []
    for (district, township), found in places.items():
        hours = Counter(slot_of(s.at, zone)[1] for s in found)
        rows.append(
            {
                "district": district,
                "township": township,
                "calls": len(found),
                "by_hour": [hours[h] for h in range(24)],
                "categories": [
                    {"category": c, "calls": n} for c, n in Counter(s.category for s in found).most_common(5)
                ],
            }
        )
    return sorted(rows, key=lambda r: (-len(places[r["district"], r["township"]]), r["district"], r["township"]))


def hours_said(hours: frozenset[int]) -> str:
    """`22–次日1时`, or 全天."""
    if len(hours) == 24:
        return "全天"
    start = next(h for h in sorted(hours) if (h - 1) % 24 not in hours)
    end = start + len(hours)
    return f"{start}–{end}时" if end <= 24 else f"{start}–次日{end - 24}时"


def reason(one: Rising, city: City, weeks: int) -> str:
    """Why this place is named, in Chinese, with every number it rests on."""
    days = "（多在周" + "、".join(_DAYS[d] for d in one.weekdays) + "）" if one.weekdays else ""
    known = city.taxonomy.categories
    what = "、".join(f"{known[c].name if c in known else c} {n} 起" for c, n in one.categories)
    often = max(2, round(1 / max(one.corrected, 1e-9)))
    chance = "百万" if often >= 1_000_000 else f" {often // 10_000} 万" if often >= 10_000 else f" {often:,} "
    return (
        f"{named(one.spot, city)}{hours_said(one.hours)}{days}有 {one.calls} 起，"
        f"前 {weeks} 周同星期同时段平时约 {one.usual:.1f} 起，为平时的 {one.times:.1f} 倍；"
        f"主要是{what}。已按所有地点校正，偶然出现的可能不到{chance}分之一。"
    )
