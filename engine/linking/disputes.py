"""Which dossier, if any, a call belongs to: the same dispute by its people, its place and its words (DOMAIN M8)."""

from collections.abc import Iterable

from engine.linking.traits import affinity, door_conflict, door_shared, overlap, spot_of, telling, traits
from engine.model.city import DisputeRules
from engine.model.dossier import DisputeCall, Dossier, DossierState

_DAY_MS = 86_400_000
ENOUGH = 0.5
_SAME_BOTH, _SAME_CALLER, _SAME_DOOR, _SAME_SPOT = 0.35, 0.25, 0.25, 0.1
_RELATED = 0.2
"""A fight or a threat between the two of a dispute reads differently from the dispute itself."""


def dossier_of(call: DisputeCall, dossiers: Iterable[Dossier], rules: DisputeRules) -> Dossier | None:
    """The dossier this call belongs to, the likest first, of equals the last touched; None when there is none."""
    living = [d for d in dossiers if d.state is not DossierState.MERGED and d.call_ids]
    young = [d for d in living if abs(call.at - d.touched_at) <= rules.days * _DAY_MS]
    scored = [(max(_score(call, c) for c in d.calls), d.touched_at, d.dossier_id, d) for d in young]
    best = max((s for s in scored if s[0] >= ENOUGH), default=None, key=lambda s: s[:3])
    return best[3] if best else None


def _score(new: DisputeCall, old: DisputeCall) -> float:
    if new.call_id == old.call_id:
        return 1.0
    here, there = spot_of(new.address_key), spot_of(old.address_key)
    if here and there and here != there:
        return 0.0
    caller = bool(new.caller) and new.caller == old.caller
    one = traits(new.text, new.address_key, new.location)
    other = traits(old.text, old.address_key, old.location)
    apart = door_conflict(one.doors, other.doors)
    place = bool(here) and here == there
    if apart and not caller:
        return 0.0
    tie = _tie(caller, place and not apart, door_shared(one.doors, other.doors))
    if not tie:
        return 0.0
    related = _RELATED if new.category.partition(".")[0] != old.category.partition(".")[0] else 0.0
    alike = 0.3 * affinity(new.kinds, old.kinds) + 0.1 * (new.category == old.category)
    said = 0.3 * overlap(one.words, other.words) + 0.2 * overlap(telling(new.concepts), telling(old.concepts))
    return tie + alike + said + (related if caller or place else 0.0)


def _tie(caller: bool, place: bool, door: bool) -> float:
    if caller and place:
        return _SAME_BOTH
    if caller:
        return _SAME_CALLER
    if place:
        return _SAME_DOOR if door else _SAME_SPOT
    return 0.0
