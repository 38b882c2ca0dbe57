"""Alerting room: what windows measure, computed from their entries alone.

An event at time T is part of every window of length L that contains it. So the entries of (T - L, T + L)
are looked at, and the best window is what counts: a call that arrives late raises what it would have raised
in time. A window (x - L, x] is named by its last event x.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.alerting.wording import likeness
from engine.model.alert import WindowEntry


class Seen(NamedTuple):
    """One remembered event: its id, its time, and the value written beside it."""

    at: int
    event_id: str
    value: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A measured value and the events it rests on, oldest first."""

    value: float
    event_ids: tuple[str, ...] = ()


def seen(entries: Sequence[WindowEntry]) -> list[Seen]:
    """Entries as events, oldest first; the empty member of a read-only query is no event.

    A member is `<id>|<value>`; only the last bar parts the two, for an id may contain one.
    """
    split = [(entry.at, *entry.member.rpartition("|")) for entry in entries if entry.member]
    return [Seen(at, event_id, value) for at, event_id, _, value in sorted(split)]


def windows(events: list[Seen], at: int, length: int) -> Iterator[list[Seen]]:
    """Each window (x - length, x] with `at` inside that ends at an event, earliest first."""
    ends = sorted({event.at for event in events if at <= event.at < at + length} | {at})
    for end in ends:
        yield [event for event in events if end - length < event.at <= end]


def best(measure: str, events: list[Seen], at: int, length: int) -> tuple[float, list[Seen]]:
    """The largest number over all windows that contain the event, and that window; the earliest when equal."""
    most, kept = 0.0, list[Seen]()
    for window in windows(events, at, length):
        number = NUMBERS[measure](window)
        if number > most:
            most, kept = number, window
    return most, kept


def _distinct(window: list[Seen]) -> float:
    return float(len({event.value for event in window}))


def _total(window: list[Seen]) -> float:
    """Negative amounts do not occur; what is no number counts nothing."""
    return sum(map(_number, window))


def _number(event: Seen) -> float:
    try:
        return float(event.value)
    except ValueError:
        return 0.0


def _signs(window: list[Seen]) -> float:
    """How many different signs; a value is the signs one event shows: `0,2`."""
    return float(len({sign for event in window for sign in _marks(event)}))


def _marks(event: Seen) -> list[int]:
    return [int(mark) for mark in event.value.split(",") if mark.isdigit()]


NUMBERS: dict[str, Callable[[list[Seen]], float]] = {
    "count": lambda window: float(len(window)),
    "distinct": _distinct,
    "sum": _total,
    "n_of": _signs,
}
"""What is a number of a window's events alone: the store answers it without the events (`WindowQuery.measure`)."""


def near_duplicate(events: list[Seen], at: int, length: int, event_id: str, least: float) -> Measured:
    """How many events say nearly what this one says, itself included."""
    own = next((event.value for event in events if event.event_id == event_id), "")
    alike = [event for event in events if event.event_id == event_id or likeness(event.value, own) >= least]
    number, window = best("count", alike, at, length)
    return Measured(number, tuple(event.event_id for event in window))


def sequence(events: list[Seen], event_id: str, length: int, gaps: tuple[int, ...]) -> Measured:
    """1 when a chain of all steps in order goes through this event, spanning less than `length`.

    `gaps[i]` is the longest time allowed before step i (0 = any; gaps[0] is unused). A later step is
    strictly later. From the front each event keeps the latest possible beginning, from the back the
    earliest possible end: if those two fit into the length, some chain does.
    """
    own = next((event for event in events if event.event_id == event_id), None)
    if own is None:
        return Measured(0.0)
    last = len(gaps) - 1
    starts = _reach(events, own, gaps, forward=True)
    ends = _reach(events, own, gaps, forward=False)
    for step in _marks(own):
        start, end = starts.get(step), ends.get(step)
        if step <= last and start and end and end[-1].at - start[-1].at < length:
            chain = [*reversed(start), *end[1:]]
            return Measured(1.0, tuple(event.event_id for event in chain))
    return Measured(0.0)


def _reach(events: list[Seen], own: Seen, gaps: tuple[int, ...], *, forward: bool) -> dict[int, list[Seen]]:
    """For each step `own` shows: the tightest chain from it to the first (forward) or last step."""
    steps = range(len(gaps)) if forward else range(len(gaps) - 1, -1, -1)
    side = [event for event in events if (event.at < own.at if forward else event.at > own.at)] + [own]
    chains: dict[tuple[int, str], list[Seen]] = {}
    before: int | None = None
    for step in steps:
        for event in side:
            if step not in _marks(event):
                continue
            gap = gaps[step] if forward else (gaps[before] if before is not None else 0)
            tail = [] if before is None else _tightest(side, event, before, gap, chains, forward=forward)
            if tail is not None:
                chains[(step, event.event_id)] = [event, *tail]
        before = step
    return {step: chains[(step, own.event_id)] for step in steps if (step, own.event_id) in chains}


def _tightest(
    side: list[Seen], event: Seen, step: int, gap: int, chains: dict[tuple[int, str], list[Seen]], *, forward: bool
) -> list[Seen] | None:
    """The neighbouring step's chain that ends closest to `event`, or None."""
    best: list[Seen] | None = None
    for other in side:
        chain = chains.get((step, other.event_id))
        apart = event.at - other.at if forward else other.at - event.at
        if chain is None or apart <= 0 or (gap and apart > gap):
            continue
        closer = best is None or (chain[-1].at > best[-1].at if forward else chain[-1].at < best[-1].at)
        best = chain if closer else best
    return best


def rate(entries: Sequence[WindowEntry], buckets: tuple[int, ...], least: float = 0) -> tuple[float, float]:
    """(now, usual): the counter of `buckets[0]`, and the mean of the others, newest first.

    Below `least` nothing is a surge, and the usual level is not worked out: most calls end here.

    Counters are entries whose member is `#<number>`. A day without a counter saw nothing, unless all days
    before it are empty too: then the city was not yet watched. Fewer than three known days make no usual.
    """
    present = next((entry for entry in entries if entry.at == buckets[0]), None)
    if present is None or not present.member.startswith("#") or float(present.member[1:]) < least:
        return 0.0, 0.0
    counted = {entry.at: int(entry.member[1:]) for entry in entries if entry.member.startswith("#")}
    earlier = [counted.get(bucket, 0) for bucket in buckets[1:]]
    while earlier and not earlier[-1]:
        earlier.pop()
    usual = sum(earlier) / len(earlier) if len(earlier) >= 3 else 0.0
    return float(counted.get(buckets[0], 0)), usual
