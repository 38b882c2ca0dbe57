"""Did a patrol help 前后对比: incidents in its place and hours before and after, against the rest of the city. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import scipy  # its parts are loaded when they are used: `stats` takes a second that no process needs at its start

from engine.reports.sighting import Sighting, Spot
from engine.reports.usual import Range, slot_of

SURE = 0.05


@dataclass(frozen=True, slots=True)
class Effect:
    """Four numbers and what they mean.

    `expected` is what would have come after at the place if it had gone the way of the rest of the city in the same
    hours (difference in differences); it evens out weather, season and ranges of different length.
    """

    before: int
    after: int
    rest_before: int
    rest_after: int
    expected: float
    chance: float
    """Fisher's exact test, two-sided: chance of so uneven a change if the patrol changed nothing (0–1)."""

    @property
    def change(self) -> float:
        """−0.4 = 40 % fewer than expected; 0 when nothing was to be expected."""
        return (self.after - self.expected) / self.expected if self.expected else 0.0

    @property
    def verdict(self) -> str:
        """`fewer` | `more` | `unclear`."""
        if self.chance > SURE:
            return "unclear"
        return "fewer" if self.after < self.expected else "more"


def helped(sightings: Iterable[Sighting], spot: Spot, hours: frozenset[int], before: Range, after: Range) -> Effect:
    """Compare the place in its hours over two ranges."""
    zone = ZoneInfo(before.tz)
    counts = {(here, late): 0 for here in (True, False) for late in (True, False)}
    for one in sightings:
        if slot_of(one.at, zone)[1] in hours and (late := _when(one.at, before, after)) is not None:
            counts[lies_in(one, spot), late] += 1
    here_b, here_a, rest_b, rest_a = (counts[k] for k in ((True, False), (True, True), (False, False), (False, True)))
    lengths = after.overlap(hours) / max(before.overlap(hours), 1.0)
    ratio = rest_a / rest_b if rest_b else lengths
    chance = float(scipy.stats.fisher_exact([[here_b, here_a], [rest_b, rest_a]])[1])
    return Effect(here_b, here_a, rest_b, rest_a, here_b * ratio, chance)


def _when(at: int, before: Range, after: Range) -> bool | None:
    if before.start <= at < before.end:
        return False
    return True if after.start <= at < after.end else None


def lies_in(one: Sighting, spot: Spot) -> bool:
    """Whether an incident counts for a place."""
    return spot in one.spots


def said(effect: Effect) -> str:
    """The comparison in Chinese."""
    told = (
        f"巡逻前 {effect.before} 起，巡逻后 {effect.after} 起；按全市同时段走势应为 {effect.expected:.1f} 起，"
        f"{'少' if effect.change < 0 else '多'} {abs(effect.change):.0%}。"
    )
    verdicts = {
        "fewer": "下降不是偶然，巡逻有效。",
        "more": "反而上升且不是偶然，请调整时段或办法。",
        "unclear": "数量还不足以下结论。",
    }
    return f"{told}{verdicts[effect.verdict]}（偶然可能 {effect.chance:.1%}）"
