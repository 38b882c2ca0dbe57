"""Alerting room: one window of one model: what enters it, what is asked of the store, what it measures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, gcd, isfinite

from engine.alerting import measures
from engine.alerting.fields import label
from engine.alerting.lengths import shown
from engine.alerting.measures import Measured
from engine.alerting.nodes import Node
from engine.alerting.values import Facts, Values
from engine.alerting.wording import sketch
from engine.model.alert import MOST_READ, WindowEntry, WindowQuery
from engine.model.figures import figure

DAY = 86_400_000
MAX_CHAIN = 128
"""Entries a sequence looks at: its work grows with their square."""
MAX_VALUE = 100
MAX_CALLS = 50
"""Calls an alert names; the newest when there are more."""
_LIMITS = {"sequence": MAX_CHAIN, "near_duplicate": MOST_READ, "absence": 1}
"""Entries that are wanted: an absence is broken by the newest one; numbers only name the calls they rest on."""


@lru_cache(maxsize=256)
def _buckets(at: int, length: int, days: int) -> tuple[int, ...]:
    """The present span and the same span on the days before."""
    return tuple((at - day * DAY) // length * length for day in range(days + 1))


def _finite(value: object) -> bool:
    """Whether it is a number that can be added up; what another system sends may be anything."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


@dataclass(frozen=True, slots=True)
class Window:
    """A compiled window. `marks` are its own filters: one for `of`, several for steps or signs."""

    model: str
    name: str
    measure: str
    by: tuple[str, ...]
    length: int
    least: float
    marks: tuple[Node, ...]
    stamp: str
    """Short hash of what defines it: a changed window begins afresh instead of reading old entries."""
    field: str = ""
    gaps: tuple[int, ...] = ()
    likeness: float = 0.0
    days: int = 0
    times: float = 0.0

    @property
    def own_filter(self) -> bool:
        """Whether events are chosen by the window itself, not by the model's `when`."""
        return bool(self.marks)

    @property
    def grain(self) -> int:
        """Milliseconds within which all instants have the same buckets."""
        return gcd(DAY, self.length)

    @property
    def limit(self) -> int:
        """Entries the store answers at most, the newest."""
        return _LIMITS.get(self.measure, MAX_CALLS)

    @property
    def fewest(self) -> int:
        """With fewer events in reach it cannot hold, whatever they are."""
        if self.measure == "sequence":
            return len(self.gaps)
        return ceil(self.least) if self.measure in ("count", "distinct", "near_duplicate") else 0

    def group(self, values: Values) -> str | None:
        """`caller:1f…,township:x`, or None when a part is not known."""
        parts = []
        for name in self.by:
            value = values.get(name)
            if value is None or value == "":
                return None
            parts.append(f"{name}:{value}")
        return ",".join(parts)

    def key(self, values: Values) -> str | None:
        """Under which the store keeps the window of this event's group; None when the group is not known."""
        group = self.group(values)
        return None if group is None else f"{self.model}|{self.name}~{self.stamp}|{group}"

    def query(self, facts: Facts, marks: Sequence[int], *, enters: bool, read: bool) -> WindowQuery | None:
        """The question to the store; None when the event's group is not known.

        `read` False: the event is only written down (limit 0), because its model cannot fire on it.
        """
        key = self.key(facts.values)
        if key is None:
            return None
        member = self._member(facts, marks) if enters else ""
        return WindowQuery(
            key=key,
            member=member,
            at=facts.at,
            length=self.length,
            limit=self.limit if read else 0,
            buckets=_buckets(facts.at // self.grain * self.grain, self.length, self.days) if self.days else (),
            measure=self.measure if self.measure in measures.NUMBERS else "",
            least=self.least,
            fewest=self.fewest,
        )

    def _member(self, facts: Facts, marks: Sequence[int]) -> str:
        value = ""
        if self.measure in ("sequence", "n_of"):
            value = ",".join(map(str, marks))
        elif self.measure == "near_duplicate":
            value = sketch(facts.values.get("text", ""))
        elif self.field:
            found = facts.values.get(self.field)
            if found is None or (self.measure == "sum" and not _finite(found)):
                return ""  # nothing to write down; what others wrote still counts
            value = str(found)[:MAX_VALUE].replace("|", "/")
        return f"{facts.event_id}|{value}"

    def measured(self, query: WindowQuery | None, facts: Facts, entries: Sequence[WindowEntry]) -> Measured:
        """What the window measures for this event, from the store's entries."""
        if query is None:
            return Measured(0.0)
        return _MEASURES[self.measure](self, query, facts, entries)

    def reason(self, value: float, values: Values) -> str:
        """Chinese reason with the measured value, e.g. `同一来电人24小时内来电3次（≥3）`."""
        same = "同一" + "、".join(map(label, self.by)) if self.by else "全市"
        said = _SAID[self.measure].format(value=figure(value), field=label(self.field) if self.field else "")
        bound = f"（≥{figure(self.least)}）" if self.measure not in ("sequence", "absence") else ""
        return f"{same}{shown(self.length)}内{said}{bound}"


_SAID = {
    "count": "{value}次",
    "distinct": "不同{field}{value}个",
    "sum": "{field}合计{value}",
    "sequence": "依次发生",
    "n_of": "出现{value}种迹象",
    "rate": "{value}次，明显高于往日同时段",
    "near_duplicate": "{value}次说法相近",
    "absence": "没有后续",
}


def _rate(window: Window, query: WindowQuery, facts: Facts, entries: Sequence[WindowEntry]) -> Measured:
    now, usual = measures.rate(entries, query.buckets, window.least)
    surge = usual > 0 and now >= usual * window.times
    return Measured(now if surge else 0.0, facts.call_ids)


def _near(window: Window, query: WindowQuery, facts: Facts, entries: Sequence[WindowEntry]) -> Measured:
    events = measures.seen(entries)
    return measures.near_duplicate(events, query.at, window.length, facts.event_id, window.likeness)


def _sequence(window: Window, query: WindowQuery, facts: Facts, entries: Sequence[WindowEntry]) -> Measured:
    return measures.sequence(measures.seen(entries), facts.event_id, window.length, window.gaps)


def _absence(window: Window, query: WindowQuery, facts: Facts, entries: Sequence[WindowEntry]) -> Measured:
    """1 while nothing has happened in (at, at + length); the event itself does not count."""
    after = [
        event
        for event in measures.seen(entries)
        if query.at < event.at < query.at + window.length and event.event_id != facts.event_id
    ]
    return Measured(0.0 if after else 1.0, facts.call_ids)


def _number(window: Window, query: WindowQuery, facts: Facts, entries: Sequence[WindowEntry]) -> Measured:
    """The store has measured it: a number, then the events it rests on."""
    if not entries:
        return Measured(0.0)
    return Measured(float(entries[0].member[1:]), tuple(event.event_id for event in measures.seen(entries[1:])))


_MEASURES: dict[str, Callable[[Window, WindowQuery, Facts, Sequence[WindowEntry]], Measured]] = {
    **dict.fromkeys(measures.NUMBERS, _number),
    "rate": _rate,
    "near_duplicate": _near,
    "sequence": _sequence,
    "absence": _absence,
}
