"""Alerting room: what a model may know about a call, an order or an alert, as one flat set of values."""

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from engine.alerting.fields import Moment
from engine.alerting.values import AlertDraft, Facts
from engine.alerting.wording import normalise
from engine.model.alert import Alert
from engine.model.call import Call
from engine.model.city import Calendar, City
from engine.model.decision import Decision, Links
from engine.model.order import Order
from engine.model.reading import Place, Reading

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_TEXT = 4000
"""Characters of a text that are looked at."""
_HOUR = 3_600_000
_QUARTER = 900_000


NOTHING_READ: dict[str, Any] = {
    "danger": False,
    "review": False,
    "confidence": 1.0,
    "amount": 0.0,
    "people": 0,
    "weapons": (),
    "injury": False,
    "violence": False,
    "threat": False,
    "children": False,
    "elderly": False,
    "past": False,
    "channel": "110",
}
"""Values of a call's fields where no text was read: what archives and tests beside models start from."""


@lru_cache(maxsize=512)
def _offset(tz: str, hour: int) -> timezone:
    """The zone's offset in one hour since 1970: looked up once, not per call."""
    moment = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(tz))
    return timezone(moment.utcoffset() or timedelta())


def local(at: int, tz: str) -> datetime:
    """An instant as the city's clocks show it."""
    return datetime.fromtimestamp(at / 1000, _offset(tz, at // _HOUR))


def clock(at: int, calendar: Calendar) -> dict[str, Any]:
    """hour, weekday, date, workday, holiday of an instant, in the calendar's time zone."""
    return _clock(at // _QUARTER * _QUARTER, calendar)


@lru_cache(maxsize=64)
def _clock(at: int, calendar: Calendar) -> dict[str, Any]:
    """The same; zones differ by whole quarters of an hour, so it changes only with them. Nobody may change it."""
    moment = local(at, calendar.tz)
    weekday, date = moment.weekday(), moment.strftime("%Y-%m-%d")
    holiday = date in calendar.holidays
    workday = date in calendar.make_up or (weekday < 5 and not holiday)
    return {
        "hour": moment.hour,
        "weekday": WEEKDAYS[weekday],
        "date": date,
        "workday": workday,
        "holiday": holiday,
    }


def facts(call: Call, reading: Reading, city: City) -> Facts:
    """Everything that is known about a call before the store is asked."""
    signs = reading.signs
    values: dict[str, Any] = {
        "category": reading.category,
        "matter": str(reading.matter),
        "danger": reading.danger,
        "review": reading.review,
        "confidence": reading.confidence,
        "amount": signs.amount,
        "people": signs.people,
        "weapons": signs.weapons,
        "injury": signs.injury,
        "violence": signs.violence,
        "threat": signs.threat,
        "children": signs.children,
        "elderly": signs.elderly,
        "past": signs.past,
        "channel": str(call.channel),
        "text": normalise(call.text[:MAX_TEXT]),
    }
    known = {
        "caller": call.caller.hash,
        "caller_kind": call.caller.kind,
        "post_id": call.location.post_id,
    }
    values.update(_there(known))
    values.update(_place(reading.place, call.location.post_id))
    values.update(clock(call.received_at, city.calendar))
    values.update({f"extra.{name}": value for name, value in call.extra.items()})
    shown = {"text": call.text, "caller": call.caller.phone_masked, "address": call.location.address}
    return Facts(call.call_id, (call.call_id,), call.received_at, Moment.CALL, values, shown)


def _place(place: Place, post_id: str) -> dict[str, str]:
    """The parts of a place that are known; `spot` is the most exact of them."""
    parts = {
        "district": place.district,
        "township": place.township,
        "community": place.community,
        "place": place.place_id,
        "place_class": place.place_class,
        "address": place.address_key,
        "spot": post_id or place.place_id or place.address_key,
    }
    return _there(parts)


def late_values(links: Links, decision: Decision | None = None) -> dict[str, Any]:
    """What the store's answer adds: links, and the decision if it is made by then."""
    values: dict[str, Any] = {
        "same_caller": links.same_caller,
        "same_place": links.same_place,
        "duplicate": bool(links.duplicate_of),
        "in_dossier": bool(links.dossier_id),
    }
    if decision is not None:
        made = {"handoff": str(decision.handoff), "body": decision.body_id, "grade": decision.grade}
        values.update(_there(made))
    return values


def order_facts(order: Order, step: str, at: int, city: City) -> Facts:
    """A change of an order: `step` is the event's name (`sign`, `arrive`, …), `sent`, `opened`, or `overdue`."""
    values: dict[str, Any] = {
        "category": order.category,
        "matter": str(order.matter),
        "danger": order.danger,
        "state": str(order.state),
        "step": step,
        "overdue": order.overdue,
        "overdue_count": order.overdue_count,
        "rung": order.rung,
        "returns": order.returns,
        "rejects": order.rejects,
        "from_alert": bool(order.alert_id),
        "in_dossier": bool(order.dossier_id),
        "handoff": str(order.handoff),
        "order": order.order_id,
    }
    known = {
        "dossier": order.dossier_id,
        "procedure": order.procedure,
        "body": order.body_id,
        "grade": order.grade,
        "district": order.district,
        "township": order.township,
        "community": order.community,
        "place_class": order.place_class,
    }
    values.update(_there(known))
    values.update(clock(at, city.calendar))
    # A return and the sending to the next body are one version and two events.
    event = f"{order.order_id}@{order.version}" + ("~sent" if step == "sent" else "")
    return Facts(event, order.call_ids, at, Moment.ORDER, values, {"text": order.summary})


def alert_id(event_id: str, model: str) -> str:
    """An alert's id follows from what raised it, so that deciding twice never raises two."""
    return f"A{event_id.removeprefix('C')}.{model}"


def alert_facts(alert: Alert, step: str, at: int, city: City) -> Facts:
    """What happened to an alert, as an event of its own: `raised`, `confirm`, `dismiss`, `instructed`, `checked`, …"""
    known = {
        "category": alert.extra.get("category", ""),
        "grade": alert.grade,
        "group": alert.group,
        "body": alert.body_id,
        "district": alert.district,
        "township": alert.township,
        "community": alert.community,
        "place_class": alert.extra.get("place_class", ""),
    }
    values = {
        "state": str(alert.state),
        "model": alert.model,
        "step": step,
        **_there(known),
        **clock(at, city.calendar),
    }
    event = f"{alert.alert_id}@{alert.version}"
    return Facts(event, alert.call_ids, at, Moment.ALERT, values, {"text": alert.message})


def raised_facts(draft: AlertDraft, event_id: str, about: Facts, at: int, city: City) -> Facts:
    """A draft as the event that its alert will be; `about` is the event that raised it. For tests and replays."""
    passed = {name: about.values.get(name, "") for name in _PASSED}
    known = {**passed, "grade": draft.grade, "group": draft.group}
    values = {"state": str(draft.state), "model": draft.model, "step": "raised", **_there(known)}
    values.update(clock(at, city.calendar))
    event = f"{alert_id(event_id, draft.model)}@1"
    return Facts(event, draft.call_ids, at, Moment.ALERT, values, {"text": draft.message})


_PASSED = ("category", "district", "township", "community", "place_class")
"""What an alert knows from the event that raised it."""


def _there(known: dict[str, str]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value}


def with_values(known: Facts, more: dict[str, Any]) -> Facts:
    """The facts with late values added."""
    values = {**known.values, **more}
    return Facts(known.event_id, known.call_ids, known.at, known.moment, values, known.shown)
