"""Alerting room: event-time windows in memory, answering as the store does. For tests, replays and drafts."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.alerting import measures
from engine.model.alert import MOST_READ, WindowEntry, WindowQuery
from engine.model.values import replace

_SLACK = 86_400_000
_SWEEP = 4096
"""Entries added between two sweeps, at least; with more windows, as many as there are windows."""


@dataclass(slots=True)
class _Kept:
    """One window: its entries in order of time, then of member, and their times apart for quick counting."""

    ats: list[int] = field(default_factory=list)
    entries: list[WindowEntry] = field(default_factory=list)
    counts: dict[int, WindowEntry] = field(default_factory=dict)
    """Bucket → its number as an entry `#<n>`, for windows that only count."""
    reach: int = 0
    """Milliseconds back from the newest event that a query may still look."""

    def add(self, query: WindowQuery) -> bool:
        """Adds the query's member; False when it is there already."""
        place = bisect_right(self.ats, query.at)
        while place and self.ats[place - 1] == query.at and self.entries[place - 1].member >= query.member:
            place -= 1
            if self.entries[place].member == query.member:
                return False
        self.ats.insert(place, query.at)
        self.entries.insert(place, WindowEntry(query.at, query.member))
        if query.buckets:
            bucket = query.buckets[0]
            before = self.counts.get(bucket)
            self.counts[bucket] = WindowEntry(bucket, f"#{int(before.member[1:]) + 1 if before else 1}")
        oldest = query.buckets[-1] if query.buckets else query.at - 2 * query.length
        self.reach = max(self.reach, query.at - oldest)
        return True

    def between(self, query: WindowQuery) -> tuple[WindowEntry, ...]:
        """Entries of (at - length, at + length), at most `limit` of the newest."""
        first = bisect_right(self.ats, query.at - query.length)
        last = bisect_left(self.ats, query.at + query.length)
        return tuple(self.entries[max(first, last - query.limit) : last])

    def number(self, query: WindowQuery) -> tuple[WindowEntry, ...]:
        """The number that is measured, and the newest `limit` entries it rests on, however small it is."""
        last = bisect_right(self.ats, query.at)
        if query.measure == "count" and last == bisect_left(self.ats, query.at + query.length):
            first = bisect_right(self.ats, query.at - query.length)
            number, window = float(last - first), self.entries[max(first, last - query.limit) : last]
        else:
            reach = self.between(replace(query, limit=MOST_READ))
            number, seen = measures.best(query.measure, measures.seen(reach), query.at, query.length)
            ats = {each.at for each in seen}
            window = [entry for entry in reach if entry.at in ats][-query.limit :]
        return WindowEntry(window[-1].at if window else query.at, f"#{number:.17g}"), *window

    def forget(self, before: int) -> bool:
        """Drops what is older; True when nothing is left."""
        place = bisect_left(self.ats, before)
        del self.ats[:place], self.entries[:place]
        if self.counts:
            self.counts = {bucket: entry for bucket, entry in self.counts.items() if bucket >= before}
        return not self.ats


class WindowMemory:
    """Windows by key. Entries older than any query can reach are forgotten, so memory stays flat."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._added = 0
        self._newest = 0

    def answer(self, queries: Iterable[WindowQuery]) -> dict[str, tuple[WindowEntry, ...]]:
        """Adds what the queries add, and answers each by its key."""
        return {query.key: self._one(query) for query in queries}

    def _one(self, query: WindowQuery) -> tuple[WindowEntry, ...]:
        kept = self._kept.get(query.key)
        if kept is None:
            kept = _Kept()
            if query.member:
                self._kept[query.key] = kept
        if query.member and kept.add(query):
            self._newest = max(self._newest, query.at)
            self._added += 1
            if self._added >= max(_SWEEP, len(self._kept)):
                self._sweep()
        if not query.limit:
            return ()
        if query.buckets:
            return tuple(entry for bucket in query.buckets if (entry := kept.counts.get(bucket)))
        return kept.number(query) if query.measure else kept.between(query)

    def _sweep(self) -> None:
        self._added = 0
        for key in list(self._kept):
            kept = self._kept[key]
            if kept.forget(self._newest - kept.reach - _SLACK):
                del self._kept[key]
