"""Alerting room: event-time windows in memory, answering as the store does. For tests, replays and drafts."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable

from engine.model.alert import WindowEntry, WindowQuery

_SLACK = 86_400_000
_SWEEP = 4096
"""Entries added between two sweeps."""


class WindowMemory:
    """Windows by key. Entries older than any query can reach are forgotten, so memory stays flat."""

    def __init__(self) -> None:
        self._events: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._reach: dict[str, int] = {}
        self._added = 0
        self._newest = 0

    def answer(self, queries: Iterable[WindowQuery]) -> dict[str, tuple[WindowEntry, ...]]:
        """Adds what the queries add, and answers each by its key."""
        return {query.key: self._one(query) for query in queries}

    def _one(self, query: WindowQuery) -> tuple[WindowEntry, ...]:
        events = self._events[query.key]
        if query.member:
            self._add(query, events)
        if query.buckets:
            return tuple(self._counted(events, bucket, query.length) for bucket in query.buckets)
        first = bisect_right(events, (query.at - query.length, "\U0010ffff"))
        last = bisect_left(events, (query.at + query.length, ""))
        first = max(first, last - query.limit)
        return tuple(WindowEntry(at, member) for at, member in events[first:last])

    def _add(self, query: WindowQuery, events: list[tuple[int, str]]) -> None:
        entry = (query.at, query.member)
        place = bisect_left(events, entry)
        if place < len(events) and events[place] == entry:
            return
        insort(events, entry)
        oldest = query.buckets[-1] if query.buckets else query.at - 2 * query.length
        self._reach[query.key] = max(self._reach.get(query.key, 0), query.at - oldest)
        self._newest = max(self._newest, query.at)
        self._added += 1
        if self._added % _SWEEP == 0:
            self._sweep()

    @staticmethod
    def _counted(events: list[tuple[int, str]], bucket: int, length: int) -> WindowEntry:
        number = bisect_left(events, (bucket + length, "")) - bisect_left(events, (bucket, ""))
        return WindowEntry(bucket, f"#{number}")

    def _sweep(self) -> None:
        for key in list(self._events):
            events = self._events[key]
            oldest = self._newest - self._reach.get(key, 0) - _SLACK
            del events[: bisect_left(events, (oldest, ""))]
            if not events:
                del self._events[key]
                self._reach.pop(key, None)
