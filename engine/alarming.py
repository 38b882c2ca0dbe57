"""Alert models asked about an event: plan, the store's windows, fire, and the change that follows.

Shared by the pipeline (calls) and the worker (steps of orders, silences); it puts rooms together and
holds no rules of its own.
"""

from typing import Any

import msgspec

from engine.alerting import AlertDraft, Engine, Facts, Fired, Plan, Timer
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
        alert_id=f"A{event_id.removeprefix('C')}.{draft.model}",
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
        extra={"public_message": draft.public_message, "silenced_by": draft.silenced_by},
    )


async def asked(client: Client, engine: Engine, plan: Plan, city: City) -> Fired:
    """Ask the store what `plan` needs, then fire."""
    windows, cooldowns = await call_store.ask(client, city.id, plan.queries, plan.cooldown_keys)
    return engine.fire(plan, windows, cooldowns)


async def about(client: Client, engine: Engine, facts: Facts, city: City, now: Instant) -> Change:
    """What the models make of an event that is no call."""
    plan = engine.plan(facts)
    if plan.idle:
        return Change()
    fired = await asked(client, engine, plan, city)
    category = str(facts.values.get("category", ""))
    return change_of(fired, facts.event_id, city, now, category=category, place=place_in(facts.values))


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
