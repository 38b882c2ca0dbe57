"""The judgement: which candidate, if any, is the same incident."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from engine.linking.similarity import overlap, pairs
from engine.model.call import Instant
from engine.model.city import LinkRules

_EARTH_M = 6_371_000


@dataclass(frozen=True, slots=True)
class Earlier:
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


def judge(new: Earlier, candidates: Iterable[Earlier], rules: LinkRules) -> Earlier | None:
    """The earlier call that reports the same incident, the likest first; None when there is none."""
    window = rules.duplicate_minutes * 60_000
    said = pairs(new.text)
    near = [c for c in candidates if c.order_id and abs(new.at - c.at) <= window]
    scored = [(score, c.at, c) for c in near if (score := _score(new, said, c, rules)) >= rules.duplicate_similarity]
    return max(scored, key=lambda s: (s[0], s[1]))[2] if scored else None


def _score(new: Earlier, said: frozenset[str], old: Earlier, rules: LinkRules) -> float:
    """0 when they cannot be the same incident; otherwise how alike, helped by place and caller.

    Two flats of one building, or two matters of one caller, stay apart: the words must agree, and the
    category must at least be of one group.
    """
    if new.category.split(".")[0] != old.category.split(".")[0]:
        return 0.0
    distance = _metres(new, old)
    if distance is not None and distance > rules.radius_m:
        return 0.0
    same_place = bool(new.address_key) and new.address_key == old.address_key
    if new.address_key and old.address_key and not same_place and distance is None:
        return 0.0
    same_caller = bool(new.caller) and new.caller == old.caller
    if not (same_place or same_caller or distance is not None):
        return 0.0
    return overlap(said, pairs(old.text)) + 0.1 * (new.category == old.category) + 0.1 * (same_place and same_caller)


def _metres(a: Earlier, b: Earlier) -> float | None:
    """Distance of two points on the globe (haversine); None when either is unknown."""
    if a.lat is None or a.lng is None or b.lat is None or b.lng is None:
        return None
    d_lat, d_lng = radians(b.lat - a.lat), radians(b.lng - a.lng)
    h = sin(d_lat / 2) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(d_lng / 2) ** 2
    return 2 * _EARTH_M * asin(sqrt(h))
