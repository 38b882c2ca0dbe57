"""The judgement: which candidate, if any, is the same incident.

Cheap questions come first (time, place, coordinates), words last: a call looks at up to 80 others.
"""

from collections.abc import Iterable
from math import exp

from msgspec import Struct

from engine.linking.traits import (
    Traits,
    affinity,
    cosine,
    door_conflict,
    jaccard,
    metres,
    overlap,
    spot_of,
    telling,
    traits,
)
from engine.model.call import Instant
from engine.model.city import LinkRules

_CONFLICT, _CALLER, _CONCEPTS, _KINDS, _WORDS, _REST = -3.0, 1.8, 1.7, 2.9, 1.3, -2.3
"""Weights of the evidence, fitted on the tuning half of tests/files/repeat_calls.jsonl (a logistic regression)."""

_SAME_WORDS = 0.5
"""From this share of character pairs on, place and doors left out, one text repeats the other."""


class Earlier(Struct, frozen=True):
    """An earlier call, or the new one, in the facts that tie calls together."""

    call_id: str
    at: Instant
    order_id: str
    category: str
    text: str
    caller: str = ""
    address_key: str = ""
    township: str = ""
    lat: float | None = None
    lng: float | None = None
    kinds: tuple[tuple[str, float], ...] = ()
    """Likeliest categories with their probabilities; empty: `category` alone."""
    concepts: tuple[str, ...] = ()
    address: str = ""
    """As the call centre wrote it, masked."""

    @property
    def traits(self) -> Traits:
        """What its words can be compared by."""
        return traits(self.text, self.address_key, self.address)


def judge(new: Earlier, candidates: Iterable[Earlier], rules: LinkRules) -> Earlier | None:
    """The earlier call that reports the same incident, the likest first; None when there is none."""
    found = likest(new, candidates, rules)
    return found[1] if found and found[0] >= rules.duplicate_similarity else None


def likest(new: Earlier, candidates: Iterable[Earlier], rules: LinkRules) -> tuple[float, Earlier] | None:
    """The likest earlier call with how likely (0–1) it is, of equals the newest; None when nothing ties them."""
    window = rules.duplicate_minutes * 60_000
    near = (c for c in candidates if c.order_id and abs(new.at - c.at) <= window and tied(new, c, rules))
    best = max(((likelihood(new, c), c.at, c) for c in near), key=lambda s: s[:2], default=None)
    return (best[0], best[2]) if best else None


def tied(new: Earlier, old: Earlier, rules: LinkRules) -> bool:
    """Whether place or caller allow that two calls are about one incident.

    Coordinates decide where both have them; else one street, estate or place, or one caller who named no other.
    """
    distance = metres((new.lat, new.lng), (old.lat, old.lng))
    if distance is not None:
        return distance <= rules.radius_m
    here, there = spot_of(new.address_key), spot_of(old.address_key)
    if here and there:
        return here == there
    return bool(new.caller) and new.caller == old.caller


def likelihood(new: Earlier, old: Earlier) -> float:
    """How likely (0–1) two calls that place or caller tie are about one incident: what was said, in whatever words.

    Two flats of one building, or two matters of one caller, stay apart: doors must not contradict each other
    and the readings must mean the same.
    """
    one, other = new.traits, old.traits
    apart = door_conflict(one.doors, other.doors)
    group = new.category.partition(".")[0] == old.category.partition(".")[0]
    if group and not apart and overlap(one.words, other.words) >= _SAME_WORDS:
        return 1.0
    said = (
        _REST
        + _CONFLICT * apart
        + _CALLER * (bool(new.caller) and new.caller == old.caller)
        + _CONCEPTS * jaccard(telling(new.concepts), telling(old.concepts))
        + _KINDS * affinity(new.kinds or ((new.category, 1.0),), old.kinds or ((old.category, 1.0),))
        + _WORDS * cosine(one.signs, other.signs)
    )
    return 1.0 / (1.0 + exp(-said))
