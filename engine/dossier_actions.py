"""What people and bodies do to dossiers and to wrong joins: events, merging, splitting, a call out of an order."""

import hashlib
from collections.abc import Callable

import msgspec

from engine import filing
from engine.clock import Clock
from engine.errors import Fault, Illegal, NotFound, Refused, Replayed
from engine.loop import Opening, act_on, join_by_hand, legal_or_raise, merge, open_order, split, split_off
from engine.model.calendar import local
from engine.model.call import Instant
from engine.model.change import CallOutcome, Change
from engine.model.city import City
from engine.model.dossier import Dossier, DossierAct, DossierEvent
from engine.model.order import Order
from engine.model.values import replace
from engine.pipeline import Rulebook, order_id_of
from engine.retrying import again
from engine.routing import Asked, decide, joined
from engine.store import calls, commits, views
from engine.store.client import Client

_outcomes = msgspec.json.Decoder(CallOutcome)


class _Done(msgspec.Struct, frozen=True):
    """What an idempotency key remembers: which event it was, and the dossier after it."""

    digest: str
    dossier: Dossier


class DossierActions:
    """Everything that changes a dossier, and the way out of a wrong join."""

    def __init__(self, client: Client, rules: Callable[[], Rulebook], clock: Clock) -> None:
        self._client = client
        self._rules = rules
        self._clock = clock

    async def event(
        self, dossier_id: str, act: DossierAct, *, into: str = "", seen_by: str = "", idempotency: str = ""
    ) -> Dossier:
        """Do `act`. `seen_by`, when given, must be a body of the dossier. `into` is the target of a merge.

        Raises `NotFound`, `Illegal` (naming what is legal and what is missing), `Refused`, `Conflict`.
        """
        digest = hashlib.blake2b(msgspec.json.encode((replace(act, at=0), into)), digest_size=12).hexdigest()

        async def once() -> Dossier:
            city, now = self._rules().city, self._clock.now()
            told = await views.answered(self._client, city.id, idempotency) if idempotency else b""
            if told:
                return _same(told, digest)
            dossier = await views.dossier(self._client, city.id, dossier_id)
            if seen_by and seen_by not in dossier.bodies:
                raise NotFound(f"no dossier {dossier_id} of this body")
            change = await self._change(dossier, act, into, city, now)
            after = next(d for d in change.dossiers if d.dossier_id == dossier_id)
            change = replace(change, idempotency_key=idempotency)
            answer = msgspec.json.encode(_Done(digest, after))
            return _same(await commits.commit(self._client, city.id, change, now=now, answer=answer), digest)

        return await again(once)

    async def _change(self, dossier: Dossier, act: DossierAct, into: str, city: City, now: Instant) -> Change:
        if act.type is DossierEvent.GRADE and act.grade not in city.grades:
            raise Refused(Fault("grade", f"{act.grade} is no grade", ", ".join(city.grades)))
        legal_or_raise(dossier, act)
        if act.type is DossierEvent.MERGE:
            try:
                target = await filing.living(self._client, city.id, into)
            except NotFound:
                raise Refused(Fault("into", f"no dossier {into} in this city", "the id of another dossier")) from None
            return merge(dossier, target, await self._orders(dossier, city), act, city, now)
        if act.type is DossierEvent.SPLIT:
            return split(dossier, act, await self._orders(dossier, city), city, now)
        return act_on(dossier, act, city, now)

    async def _orders(self, dossier: Dossier, city: City) -> list[Order]:
        return await views.orders_by_id(self._client, city.id, list(dossier.order_ids))

    async def split_call(self, call_id: str, reason: str, who: str) -> Order:
        """A wrongly joined call gets an order of its own. Raises `NotFound`, `Illegal`, `Conflict`."""

        async def once() -> Order:
            city, now = self._rules().city, self._clock.now()
            stored = await calls.load(self._client, city.id, call_id)
            own = order_id_of(call_id)
            if not stored.outcome or not stored.order_id or stored.order_id == own:
                raise Illegal(f"call {call_id} rides on no other call's order: there is nothing to split", ())
            outcome = _outcomes.decode(stored.outcome)
            order = await views.order(self._client, city.id, stored.order_id)
            links = replace(outcome.links, duplicate_of="")
            hour = local(city.calendar, stored.call.received_at).hour
            decision = decide(Asked(stored.call.channel, outcome.reading, links, hour), city)
            opened = open_order(Opening(own, stored.call, decision), city, now)
            if not opened.orders:
                raise Illegal(f"call {call_id} needs no order of its own by the duty table", ())
            opened = replace(opened, orders=tuple(replace(o, dossier_id=links.dossier_id) for o in opened.orders))
            change = split_off(order, stored.call, opened, city, now, who, reason)
            change += await filing.followed(self._client, opened, None, city, now)
            moved = replace(outcome, order_id=own, decision=decision, links=links, joined=False)
            label = {"kind": "link", "call_id": call_id, "text": stored.call.text, "not": order.summary, "at": now}
            await commits.commit(self._client, city.id, replace(change, moved=(moved,)), now=now, labels=(label,))
            return next(o for o in change.orders if o.order_id == own)

        return await again(once)

    async def join_call(self, call_id: str, order_id: str, reason: str, who: str) -> Order:
        """A call that a person finds to be a repeat rides on `order_id`. Raises `NotFound`, `Illegal`, `Conflict`."""

        async def once() -> Order:
            city, now = self._rules().city, self._clock.now()
            stored = await calls.load(self._client, city.id, call_id)
            if not stored.outcome or stored.order_id != order_id_of(call_id):
                raise Illegal(f"call {call_id} has no open order of its own: there is nothing to join", ())
            own = await views.order(self._client, city.id, stored.order_id)
            target = await views.order(self._client, city.id, order_id)
            change = join_by_hand(own, target, stored.call, city, now, who, reason)
            outcome = _outcomes.decode(stored.outcome)
            links = replace(outcome.links, duplicate_of=order_id, possible_duplicate="")
            moved = replace(outcome, order_id=order_id, decision=joined(outcome.decision), links=links, joined=True)
            label = {"kind": "link", "call_id": call_id, "text": stored.call.text, "same": target.summary, "at": now}
            await commits.commit(self._client, city.id, replace(change, moved=(moved,)), now=now, labels=(label,))
            return next(o for o in change.orders if o.order_id == order_id)

        return await again(once)


def _same(told: bytes, digest: str) -> Dossier:
    done = msgspec.json.decode(told, type=_Done)
    if done.digest != digest:
        raise Replayed("this Idempotency-Key was used before for another event; send a new key for a new event")
    return done.dossier
