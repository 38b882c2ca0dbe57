"""Dossiers at the edge: the store asked which there are, the rooms asked what becomes of them.

Shared by the pipeline (calls), the actions and the worker (orders); it puts rooms together and holds no
rules of its own.
"""

from engine.errors import NotFound
from engine.linking import dossier_of, kinds_of, spot_of
from engine.loop import Filing, follow
from engine.model.call import Call, Instant
from engine.model.change import Change, Claim
from engine.model.city import City
from engine.model.dossier import DisputeCall, Dossier, DossierState
from engine.model.dutytable import subtrees
from engine.model.order import Order, OrderEvent
from engine.model.reading import Reading
from engine.store import disputes, views
from engine.store.client import Client

FAMILY = "dispute"
_MOST_MERGES = 16
_TEXT = 300
_SURE_ENOUGH = 0.5
"""From this share on a doubtful call that reads like a dispute is filed before its review."""


def is_dispute(category: str, city: City) -> bool:
    """Whether a category opens a dossier."""
    known = city.taxonomy.categories.get(category)
    return known is not None and known.family == FAMILY


def dispute_share(reading: Reading, city: City) -> float:
    """Probability that the call is about a dispute of whatever kind."""
    return sum(c.probability for c in reading.candidates if not c.by and is_dispute(c.category, city))


def is_related(category: str, city: City) -> bool:
    """Whether a category goes into a dossier that is there."""
    return not subtrees(category).isdisjoint(city.disputes.related)


async def find(
    client: Client, call: Call, reading: Reading, category: str, city: City
) -> tuple[Filing | None, tuple[Claim, ...]]:
    """The dossier of a call, one to open, or none; the claims go into the change that opens it."""
    opens = is_dispute(category, city) and not (reading.review and dispute_share(reading, city) < _SURE_ENOUGH)
    if not opens and not is_related(category, city):
        return None, ()
    told = dispute_call(call, reading, category)
    known, claims = await disputes.candidates(client, city.id, told.caller, told.spot)
    found = dossier_of(told, known, city.disputes)
    if found is None and not opens:
        return None, ()
    dossier_id = found.dossier_id if found else "D" + call.call_id.removeprefix("C")
    return Filing(told, dossier_id, category, reading.place, found), () if found else claims


def dispute_call(call: Call, reading: Reading, category: str) -> DisputeCall:
    """What a dossier keeps of a call."""
    signs, place = reading.signs, reading.place
    marks = {
        "violence": signs.violence,
        "weapon": bool(signs.weapons),
        "threat": signs.threat,
        "injury": signs.injury,
        "children": signs.children,
        "elderly": signs.elderly,
        "danger": reading.danger,
    }
    return DisputeCall(
        call_id=call.call_id,
        at=call.received_at,
        text=call.text[:_TEXT],
        category=category,
        caller=call.caller.hash,
        phone_masked=call.caller.phone_masked,
        name_masked=call.caller.name_masked,
        address_key=place.address_key,
        spot=spot_of(place.address_key),
        signs=tuple(name for name, said in marks.items() if said),
        amount=signs.amount,
        kinds=kinds_of(reading),
        concepts=reading.concepts,
        location=call.location.address,
    )


async def living(client: Client, city: str, dossier_id: str) -> Dossier:
    """The dossier, or the one it lives on in. Raises `NotFound`."""
    found = await views.dossier(client, city, dossier_id)
    for _ in range(_MOST_MERGES):
        if found.state is not DossierState.MERGED:
            break
        found = await views.dossier(client, city, found.merged_into)
    return found


async def followed(client: Client, change: Change, event: OrderEvent | None, city: City, now: Instant) -> Change:
    """What a change of orders means for their dossiers; nothing when it means nothing to them."""
    more = Change()
    newest: dict[str, Order] = {o.order_id: o for o in change.orders if o.dossier_id}
    for order in newest.values():
        try:
            dossier = await living(client, city.id, order.dossier_id)
        except NotFound:
            continue
        more += follow(dossier, order, event, city, now)
    return more
