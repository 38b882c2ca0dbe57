"""Alerting room: the archive replayed through the models: what would have fired, when, where, and how rightly."""

import gc
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from engine.alerting.archive import Archived
from engine.alerting.engine import Engine
from engine.alerting.facts import local
from engine.alerting.fields import Moment
from engine.alerting.models import ModelSet
from engine.alerting.replay import Raised, Replay
from engine.model.alert import AlertState
from engine.model.city import City

DAY = 86_400_000
EXAMPLES = 5
"""Firings of each model that are shown in words."""


@dataclass(slots=True)
class Tally:
    """What one model did."""

    model: str
    title: str
    state: str
    fired: int = 0
    inhibited: int = 0
    grades: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    townships: Counter[str] = field(default_factory=Counter)
    overlap: Counter[str] = field(default_factory=Counter)
    """Other model → events on which both fired."""
    confirmed: int = 0
    dismissed: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    unmet: str = ""
    """The expectation that was not met; empty when all is as expected."""

    @property
    def precision(self) -> float | None:
        """Share of reviewed firings that were confirmed; None when none was reviewed."""
        reviewed = self.confirmed + self.dismissed
        return self.confirmed / reviewed if reviewed else None


@dataclass(slots=True)
class Backtest:
    """The result of one replay."""

    calls: int = 0
    first: int = 0
    last: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)

    @property
    def days(self) -> float:
        """Length of the archive in days, at least one."""
        return max(1.0, (self.last - self.first) / DAY)

    @property
    def met(self) -> bool:
        """Whether every model fired as often as its author expected."""
        return not any(tally.unmet for tally in self.tallies.values())


Verdicts = Mapping[str, Mapping[str, str]]
"""Model → call id → `confirm` | `dismiss`."""


def backtest(
    archive: Iterable[Archived],
    models: ModelSet,
    city: City,
    *,
    since: int = 0,
    until: int = 1 << 62,
    verdicts: Verdicts | None = None,
    progress: Callable[[int], None] | None = None,
) -> Backtest:
    """Every call of [since, until) in the order of the archive; `progress` is told bytes read."""
    engine = Engine(models, city)
    result = Backtest(tallies={m.id: Tally(m.id, m.title, m.state) for m in models.active})
    replay = Replay(engine)
    # A replay makes no cycles, but many lasting entries: looking through them again and again is half the time.
    usual = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1000)
    try:
        for each in archive:
            if progress is not None:
                progress(each.size)
            if since <= each.facts.at < until:
                _note_call(result, each.facts.at)
                _note(result, list(replay.due(each.facts.at)), city, verdicts or {})
                _note(result, list(replay.feed(each.facts, each.links).raised), city, verdicts or {})
        _note(result, list(replay.due(result.last)), city, verdicts or {})
    finally:
        gc.set_threshold(*usual)
        engine.close()
    for model, file in models.files.items():
        if model in result.tallies and file.expected is not None:
            result.tallies[model].unmet = _unmet(result.tallies[model].fired, result.days, file.expected)
    return result


def _note_call(result: Backtest, at: int) -> None:
    result.calls += 1
    result.first = min(result.first or at, at)
    result.last = max(result.last, at)


def _note(result: Backtest, raised: list[Raised], city: City, verdicts: Verdicts) -> None:
    for each in raised:
        _count(result.tallies[each.draft.model], each, city, verdicts)
    for one, other in combinations(sorted({each.draft.model for each in raised}), 2):
        result.tallies[one].overlap[other] += 1
        result.tallies[other].overlap[one] += 1


def _count(tally: Tally, raised: Raised, city: City, verdicts: Verdicts) -> None:
    draft, moment = raised.draft, local(raised.at, city.tz)
    if draft.state is AlertState.INHIBITED:
        tally.inhibited += 1
        return
    tally.fired += 1
    tally.grades[draft.grade] += 1
    tally.days[f"{moment:%Y-%m-%d}"] += 1
    tally.hours[moment.hour] += 1
    tally.townships[str(raised.facts.values.get("township", ""))] += 1
    said = verdicts.get(draft.model, {}).get(raised.facts.event_id)
    tally.confirmed += said == "confirm"
    tally.dismissed += said == "dismiss"
    if len(tally.examples) < EXAMPLES:
        tally.examples.append(
            {
                "at": f"{moment:%Y-%m-%d %H:%M}",
                "call": raised.facts.event_id,
                "grade": draft.grade,
                "message": draft.message,
                "public_message": draft.public_message,
                "reasons": list(draft.reasons),
            }
        )


def _unmet(fired: int, days: float, expected: Any) -> str:
    spans = {"day": days, "week": max(1.0, days / 7), "run": 1.0}[expected.per]
    often = fired / spans
    if expected.at_least is not None and often < expected.at_least:
        return f"fired {often:.2f} times a {expected.per}, expected at least {expected.at_least:g}"
    if expected.at_most is not None and often > expected.at_most:
        return f"fired {often:.2f} times a {expected.per}, expected at most {expected.at_most:g}"
    return ""


def verdicts_of(rows: Iterable[Mapping[str, Any]]) -> Verdicts:
    """Reviewed alerts (`model`, `call_ids`, `verdict`) by model and call."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.get("verdict") in ("confirm", "dismiss"):
            for call in row.get("call_ids", ()):
                found[str(row.get("model"))][str(call)] = str(row["verdict"])
    return found


def plain(result: Backtest) -> dict[str, Any]:
    """The result as JSON."""
    return {
        "calls": result.calls,
        "days": round(result.days, 2),
        "met": result.met,
        "models": [
            {
                "model": tally.model,
                "title": tally.title,
                "state": tally.state,
                "fired": tally.fired,
                "inhibited": tally.inhibited,
                "per_day": round(tally.fired / result.days, 3),
                "grades": dict(tally.grades),
                "days": dict(sorted(tally.days.items())),
                "hours": dict(sorted(tally.hours.items())),
                "townships": dict(tally.townships.most_common(20)),
                "overlap": dict(tally.overlap.most_common(10)),
                "confirmed": tally.confirmed,
                "dismissed": tally.dismissed,
                "precision": tally.precision,
                "unmet": tally.unmet,
                "examples": tally.examples,
            }
            for tally in ranked(result)
        ],
    }


def ranked(result: Backtest) -> Iterator[Tally]:
    """Tallies, the busiest first."""
    yield from sorted(result.tallies.values(), key=lambda tally: (-tally.fired, tally.model))


def watched(models: ModelSet) -> int:
    """How many of the running models a replay of calls can show: those that watch calls and the alerts they raise."""
    return sum(model.moment is not Moment.ORDER for model in models.active)
