"""What people and bodies do: an event on an order, a review of a call, a verdict on an alert.

Each reads the stored value, asks the pure loop, commits; when somebody was faster it reads and asks again.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from engine import alarming, filing
from engine.alerting import order_facts
from engine.clock import Clock
from engine.errors import Conflict, Fault, Illegal, NotFound, Refused, Replayed
from engine.loop import (
    Patrol,
    apply,
    assign,
    check_back,
    file_call,
    reassign,
    review_alert,
    suggest_patrol,
    withdraw,
)
from engine.model.alert import Alert
from engine.model.call import Call, Instant
from engine.model.change import CallOutcome, Change
from engine.model.city import City
from engine.model.decision import Decision
from engine.model.order import Order, OrderEvent, State
from engine.model.reading import Matter, Reason
from engine.model.values import replace
from engine.pipeline import Rulebook
from engine.retrying import again
from engine.routing import after_review, with_unit
from engine.store import calls, commits, units, views
from engine.store.client import Client

_outcomes = msgspec.json.Decoder(CallOutcome)


@dataclass(frozen=True, slots=True)
class CallReview:
    """A person's decision on a call; `category` and `body` may be left to the duty table."""

    matter: Matter
    reason: str
    who: str
    category: str = ""
    body: str = ""


class Actions:
    """Everything that changes an order, an alert or a call after it was decided."""

    def __init__(self, client: Client, rules: Callable[[], Rulebook], clock: Clock) -> None:
        self._client = client
        self._rules = rules
        self._clock = clock

    async def order_event(self, order_id: str, event: OrderEvent, *, holder: str = "", idempotency: str = "") -> Order:
        """Do `event`. `holder`, when given, must hold the order. Raises `NotFound`, `Illegal`, `Conflict`."""

        digest = _digest(event)

        async def once() -> Order:
            rules = self._rules()
            if done := await self._done_before(rules.city.id, idempotency, digest):
                return done
            order = await views.order(self._client, rules.city.id, order_id)
            now = self._clock.now()
            if holder and order.body_id != holder:
                raise NotFound(f"no order {order_id} held by {holder}")
            change = apply(order, event, rules.city, now)
            after = change.orders[-1]
            change += await self._alert_checked(after, rules.city, now)
            change += await filing.followed(self._client, change, event, rules.city, now)
            change += await alarming.about(
                self._client, rules.engine, order_facts(after, event.type.value, now, rules.city), rules.city, now
            )
            change = replace(await self._echoed(change, now, rules), idempotency_key=idempotency)
            told = await self._commit(change, now, msgspec.json.encode(_Done(digest, after)))
            return _same(told, digest)

        return await again(once)

    async def _done_before(self, city: str, key: str, digest: str) -> Order | None:
        """What was answered under an idempotency key; None when it is new. Raises `Replayed` for another event."""
        told = await views.answered(self._client, city, key) if key else b""
        return _same(told, digest) if told else None

    async def assign_order(self, order_id: str, body: str, reason: str, who: str) -> Order:
        """A person decides who gets a returned order. Raises `NotFound`, `Illegal`, `Refused`."""

        async def once() -> Order:
            rules = self._rules()
            order = await views.order(self._client, rules.city.id, order_id)
            now = self._clock.now()
            if body not in rules.city.bodies:
                raise Refused(Fault("body", f"{body} is not in the body table", "an id of bodies.yaml"))
            change = reassign(order, body, rules.city, now, who, reason)
            change += await filing.followed(self._client, change, None, rules.city, now)
            change = await self._echoed(change, now, rules)
            await self._commit(change, now)
            return change.orders[0]

        return await again(once)

    async def suggest_patrol(self, patrol: Patrol, who: str) -> Order:
        """A hot spot becomes an order; the same suggestion again answers the order it made. Raises `StoreDown`."""
        rules, now = self._rules(), self._clock.now()
        change = suggest_patrol(patrol, rules.city, now, who)
        try:
            await self._commit(change, now)
        except Conflict:
            return await views.order(self._client, rules.city.id, patrol.order_id)
        return change.orders[-1]

    async def _alert_checked(self, order: Order, city: City, now: Instant) -> Change:
        """The alert follows its instruction in the same change."""
        if not order.alert_id or order.state not in (State.CLOSED, State.CANCELLED, State.REOPENED):
            return Change()
        return check_back(await views.alert(self._client, city.id, order.alert_id), order, now)

    async def review_alert(self, alert_id: str, verdict: str, reason: str, who: str) -> Alert:
        """`confirm` or `dismiss` an alert that waits for its second review. Raises `NotFound`, `Illegal`."""

        async def once() -> Alert:
            rules, now = self._rules(), self._clock.now()
            alert = await views.alert(self._client, rules.city.id, alert_id)
            change = await self._echoed(review_alert(alert, rules.city, now, who, verdict, reason), now, rules)
            label = {"kind": "alert", "model": alert.model, "alert_id": alert_id, "verdict": verdict, "at": now}
            await self._commit(change, now, labels=(label,))
            return change.alerts[0]

        return await again(once)

    async def review_call(self, call_id: str, review: CallReview) -> Order:
        """A person decides a call that waits for it; kept as training data. Raises `NotFound`, `Illegal`, `Refused`."""

        async def once() -> Order:
            rules, now = self._rules(), self._clock.now()
            stored = await calls.load(self._client, rules.city.id, call_id)
            if not stored.order_id or not stored.outcome:
                raise Illegal(f"call {call_id} has no order to decide", ())
            order = await views.order(self._client, rules.city.id, stored.order_id)
            if order.state not in (State.REVIEW, State.RETURNED):
                raise Illegal(f"order {order.order_id} is {order.state.value}: it waits for no decision", ())
            outcome = _outcomes.decode(stored.outcome)
            hour = alarming.hour_of(rules.city, stored.call.received_at)
            decision = reviewed(outcome.decision, review, rules.city, hour)
            if not review.body:
                free = await units.nearby(self._client, rules.city.id, order.lat, order.lng)
                decision = with_unit(decision, free, rules.city, now)
            change = assign(order, decision, rules.city, now, review.who, review.reason)
            change += await self._filed(stored.call, outcome, change.orders[-1], rules.city, now)
            change = await self._echoed(change, now, rules)
            label = {
                "kind": "call",
                "call_id": call_id,
                "text": stored.call.text,
                "matter": decision.matter.value,
                "category": decision.category,
                "was": outcome.decision.category,
                "at": now,
            }
            await self._commit(change, now, labels=(label,))
            return change.orders[0]

        return await again(once)

    async def _filed(self, call: Call, outcome: CallOutcome, order: Order, city: City, now: Instant) -> Change:
        """A call that a person found to be a dispute's goes into its dossier."""
        if order.dossier_id:
            return await self._withdrawn(order, call.call_id, city, now)
        found, claims = await filing.find(self._client, call, outcome.reading, order.category, city)
        if found is None:
            return Change()
        links = replace(outcome.links, dossier_id=found.dossier_id)
        filed = file_call(found, order.order_id, order.body_id, city, now)
        return replace(filed, claims=claims, moved=(replace(outcome, links=links),))

    async def _withdrawn(self, order: Order, call_id: str, city: City, now: Instant) -> Change:
        """A person found that the call is about no dispute: a dossier it opened alone is put away."""
        if filing.is_dispute(order.category, city) or filing.is_related(order.category, city):
            return await filing.followed(self._client, Change(orders=(order,)), None, city, now)
        return withdraw(await filing.living(self._client, city.id, order.dossier_id), call_id, city, now)

    async def _echoed(self, change: Change, now: Instant, rules: Rulebook) -> Change:
        """With what alert models make of it; what people do stands first."""
        return await alarming.echoed(self._client, rules.engine, change, rules.city, now)

    async def _commit(
        self, change: Change, now: Instant, answer: bytes = b"", labels: tuple[dict[str, Any], ...] = ()
    ) -> bytes:
        city = self._rules().city.id
        return await commits.commit(self._client, city, change, now=now, answer=answer, labels=labels)


class _Done(msgspec.Struct, frozen=True):
    """What an idempotency key remembers: which event it was, and the order after it."""

    digest: str
    order: Order


def _digest(event: OrderEvent) -> str:
    what = msgspec.json.encode((event.type, event.note, event.data), order="sorted")
    return hashlib.blake2b(what, digest_size=12).hexdigest()


def _same(told: bytes, digest: str) -> Order:
    """The order answered before; raises `Replayed` when the key was used for another event."""
    done = msgspec.json.decode(told, type=_Done)
    if done.digest != digest:
        raise Replayed("this Idempotency-Key was used before for another event; send a new key for a new event")
    return done.order


def reviewed(decision: Decision, review: CallReview, city: City, hour: int) -> Decision:
    """The decision a person made of it: the duty table's body unless they named one. Raises `Refused`."""
    category = review.category or decision.category
    faults = []
    if category not in city.taxonomy.categories:
        faults.append(Fault("category", f"{category} is not in the taxonomy", "an id of taxonomy.yaml"))
    if review.body and review.body not in city.bodies:
        faults.append(Fault("body", f"{review.body} is not in the body table", "an id of bodies.yaml"))
    if faults:
        raise Refused(*faults)
    decided = after_review(decision, review.matter, category, review.body, hour, city)
    return replace(decided, reasons=(*decision.reasons, Reason("person", f"人工研判：{review.reason}")))
