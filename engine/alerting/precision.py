"""Alerting room: how often each model was right, from confirmed and dismissed reviews."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from engine.model.alert import Alert

RECENT = 20
"""Reviews that count as recent."""
LEAST = 10
"""Recent reviews below which nothing is said about a fall."""
_Z = 1.645
"""Of a one-sided 95 % bound."""


@dataclass(frozen=True, slots=True)
class Precision:
    """One model's record. Shares are 0–1; `falling` asks an officer to look at the model."""

    model: str
    confirmed: int
    dismissed: int
    share: float
    recent_share: float
    falling: bool


def precision(alerts: Iterable[Alert]) -> tuple[Precision, ...]:
    """Every model with reviewed alerts, by its id. `verdict` is `confirm` or `dismiss`."""
    reviewed: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for alert in alerts:
        if alert.verdict in ("confirm", "dismiss"):
            reviewed[alert.model].append((alert.raised_at, alert.verdict == "confirm"))
    return tuple(_record(model, [right for _, right in sorted(reviewed[model])]) for model in sorted(reviewed))


def _record(model: str, verdicts: list[bool]) -> Precision:
    recent, before = verdicts[-RECENT:], verdicts[:-RECENT]
    share, recent_share = sum(verdicts) / len(verdicts), sum(recent) / len(recent)
    fell = bool(before) and len(recent) >= LEAST and upper(sum(recent), len(recent)) < sum(before) / len(before)
    never_good = len(recent) >= LEAST and upper(sum(recent), len(recent)) < 0.5
    confirmed = sum(verdicts)
    return Precision(model, confirmed, len(verdicts) - confirmed, share, recent_share, fell or never_good)


def upper(right: int, total: int) -> float:
    """Wilson's upper bound of a share: what it may still be with luck against it."""
    share = right / total
    middle = share + _Z**2 / (2 * total)
    wide = _Z * sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    return (middle + wide) / (1 + _Z**2 / total)
