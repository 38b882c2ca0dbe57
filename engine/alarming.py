"""Alert models asked about an event: plan, the store's windows, fire, and the change that follows.

Shared by the pipeline (calls), the worker (deadlines, silences) and what people do (steps of orders, verdicts on
alerts); it puts rooms together and holds no rules of its own.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from engine.alerting import AlertDraft, Engine, Facts, Fired, Moment, Plan, Timer, alert_facts, alert_id, order_facts
from engine.alerting.replay import MOST_DEEP
from engine.loop import open_alert
from engine.model.alert import Alert, AlertState
from engine.model.calendar import local
from engine.model.call import Instant
from engine.model.change import Change, Cooldown, Wake
from engine.model.city import City
from engine.model.reading import Place
from engine.routing import resolve
from engine.store import calls as call_store
from engine.store.client import Client

_timers = msgspec.json.Decoder(Timer)


def change_of(fired: Fired, event_id: str, city: City, now: Instant, *, category: str, place: Place) -> Change:
    """Alerts, cool-downs and timers of one firing, as one change. Alert ids follow from event and model."""
    change = Change(
        cooldowns=tuple(Cooldown(mark.key, mark.until) for mark in fired.cooldowns),
        wakes=tuple(Wake(t.key, t.due_at, msgspec.json.encode(t).decode()) for t in fired.timers),
    )
    for draft in fired.drafts:
        alert = alert_of(draft, event_id, city, now, place)
        change += open_alert(alert, city, now, category=category, place=place)
    return change


def alert_of(draft: AlertDraft, event_id: str, city: City, now: Instant, place: Place) -> Alert:
    """The alert of one draft, its body found by place."""
    return Alert(
        alert_id=alert_id(event_id, draft.model),
        city=city.id,
        version=1,
        model=draft.model,
        model_version=draft.model_version,
        title=draft.title,
        grade=draft.grade,
        state=draft.state,
        group=draft.group,
        message=draft.message,
        procedure=draft.procedure or "warning_check",
        body_id=resolve(city, draft.instruct, place),
        raised_at=now,
        call_ids=draft.call_ids,
        reasons=draft.reasons,
        review_by=draft.review,
        alarm_at=now + draft.review_within * 1000 if draft.state is AlertState.REVIEW else None,
        district=place.district,
        township=place.township,
        community=place.community,
        extra={
            "public_message": draft.public_message,
            "silenced_by": draft.silenced_by,
            "letter_to": resolve(city, draft.letter_to, place) if draft.letter else "",
            "letter": draft.letter,
            "patrol_by": resolve(city, "station", place) if draft.patrol else "",
            "patrol": draft.patrol,
        },
    )


async def asked(client: Client, engine: Engine, plan: Plan, city: City, told: Change = Change()) -> Fired:
    """Ask the store what `plan` needs, then fire; what `told` cools down is told already."""
    windows, cooldowns = await call_store.ask(client, city.id, plan.queries, plan.cooldown_keys)
    return engine.fire(plan, windows, {**cooldowns, **{each.key: each.until for each in told.cooldowns}})


async def about(
    client: Client, engine: Engine, facts: Facts, city: City, now: Instant, told: Change = Change()
) -> Change:
    """What the models make of an event that is no call."""
    plan = engine.plan(facts)
    if plan.idle:
        return Change()
    fired = await asked(client, engine, plan, city, told)
    category = str(facts.values.get("category", ""))
    return change_of(fired, facts.event_id, city, now, category=category, place=place_in(facts.values))


async def echoed(client: Client, engine: Engine, change: Change, city: City, now: Instant) -> Change:
    """`change` with what the models make of the orders it sends out and of what it does to alerts."""
    fresh, whole = change, change
    for _ in range(MOST_DEEP):
        more = Change()
        for facts in events_in(fresh, engine, city, now):
            more += await about(client, engine, facts, city, now, whole + more)
        if more == Change():
            break
        fresh, whole = more, whole + more
    return whole


def events_in(change: Change, engine: Engine, city: City, now: Instant) -> Iterator[Facts]:
    """Orders opened and sent, alerts raised, confirmed, dismissed, checked: as the entries of the time lines say."""
    said: dict[str, list[str]] = defaultdict(list)
    for line in change.log:
        said[line.subject].append(line.what)
    if engine.watches(Moment.ORDER):
        for order in change.orders:
            for step in (_SENDING[what] for what in said[order.order_id] if what in _SENDING):
                yield order_facts(order, step, now, city)
    if engine.watches(Moment.ALERT):
        for alert in change.alerts:
            yield from (alert_facts(alert, what.removeprefix("alert."), now, city) for what in said[alert.alert_id][:1])


_SENDING = {"order.sent": "sent", "order.review": "opened"}
"""Entry of an order's time line → step, for what no event of a person brings about."""


def place_in(values: dict[str, Any]) -> Place:
    """The place that facts name."""
    return Place(
        district=str(values.get("district", "")),
        township=str(values.get("township", "")),
        community=str(values.get("community", "")),
        place_class=str(values.get("place_class", "")),
    )


async def woken(client: Client, engine: Engine, key: str, payload: str, city: City, now: Instant) -> Change:
    """A silence that is over: the models decide whether it was one. The timer is done either way."""
    done = Change(wakes=(Wake(key, 0),))
    timer = _timers.decode(payload)
    plan = engine.wake(timer)
    if plan is None:
        return done
    fired = await asked(client, engine, plan, city)
    values = timer.facts.values
    place = place_in(values)
    event_id = f"{timer.facts.event_id}~{timer.window}"
    return done + change_of(fired, event_id, city, now, category=str(values.get("category", "")), place=place)


def hour_of(city: City, at: Instant) -> int:
    """The local hour, 0–23."""
    return local(city.calendar, at).hour
