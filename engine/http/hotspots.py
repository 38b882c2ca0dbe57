"""Routes of hot spots: what rises in a range, a patrol order for it, and whether the patrol helped."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import Field

from engine import figuring
from engine.errors import Fault, NotFound, Refused
from engine.http.asking import Here, Id, Who, allow
from engine.http.audited import Audited
from engine.http.problems import responses
from engine.http.ranges import DAY_MS, From, To, range_of
from engine.http.shapes import Plain, Reason, Strict, order_view
from engine.http.tokens import LOOK, ROOM
from engine.loop import Patrol
from engine.loop.notices import stamp
from engine.model.call import Instant
from engine.model.city import City, Tier
from engine.model.dutytable import body_in_role
from engine.model.message import LogEntry
from engine.model.order import Order
from engine.model.reading import Place
from engine.reports import effect, hotspots
from engine.reports.sighting import Spot, named, road_of
from engine.reports.usual import HOUR_MS, Range

router = APIRouter(route_class=Audited, tags=["hotspots"])
_MOST_IDS = 200
Weeks = Annotated[int, Query(ge=1, le=52, description="Weeks before `from` that say what is usual.")]


class PatrolBody(Strict):
    """Where and when to patrol: `area` is an area id, `road` a road or address in it."""

    area: Annotated[str, Field(min_length=1, max_length=80)]
    road: Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")] = ""
    hours: Annotated[list[Annotated[int, Field(ge=0, le=24)]], Field(min_length=2, max_length=2)]
    reason: Reason
    category: Plain = ""


@router.get("/hotspots", responses=responses(401, 403, 422, 503))
async def hotspots_of(s: Here, who: Who, since: From = None, to: To = None, weeks: Weeks = 8) -> dict[str, Any]:
    """What rises in the range against its own usual level, hours × weekdays, and townships by number of incidents."""
    allow(who, LOOK)
    city = s.rules().city
    start, end = range_of(s, since, to)
    answer = await s.desk.ask(city, figuring.rising, start, end, weeks)
    found = answer.pop("found")
    said = {"from": stamp(start, city), "to": stamp(end, city), "complete": True, "tests": found.tests}
    return said | answer | {"rising": [_view(one, city, answer["weeks"]) for one in found.rising]}


def _view(one: hotspots.Rising, city: City, weeks: int) -> dict[str, Any]:
    spot = one.spot
    return {
        "level": spot.level,
        "name": named(spot, city),
        "area": {"district": spot.district, "township": spot.township, "community": spot.community},
        "road": spot.name or None,
        "hours": _span(one.hours),
        "weekdays": list(one.weekdays),
        "calls": one.calls,
        "usual": round(one.usual, 2),
        "times": round(one.times, 2),
        "chance": one.chance,
        "corrected": one.corrected,
        "categories": [{"category": c, "calls": n} for c, n in one.categories],
        "call_ids": list(one.call_ids[:_MOST_IDS]),
        "lat": one.lat,
        "lng": one.lng,
        "reason": hotspots.reason(one, city, weeks),
    }


def _span(hours: frozenset[int]) -> list[int]:
    """[from, to): to may be at or before from, past midnight; the whole day is [0, 24]."""
    if len(hours) == 24:
        return [0, 24]
    start = next(h for h in sorted(hours) if (h - 1) % 24 not in hours)
    return [start, (start + len(hours) - 1) % 24 + 1]


@router.post("/hotspots/patrol", responses=responses(400, 401, 403, 422, 503))
async def patrol(s: Here, who: Who, body: PatrolBody) -> dict[str, Any]:
    """A patrol order to the police of the area. The same suggestion on the same day is one order."""
    allow(who, ROOM)
    city = s.rules().city
    wanted = _patrol(body, s.masking.text(body.reason), city, s.clock.now())
    return order_view(await s.actions.suggest_patrol(wanted, who.name), city)


def _patrol(body: PatrolBody, reason: str, city: City, now: Instant) -> Patrol:
    area = city.areas.get(body.area)
    if area is None:
        raise Refused(Fault("area", f"{body.area} is not in the area table", "an id of areas.yaml"))
    if body.hours[0] % 24 == body.hours[1] % 24 and body.hours != [0, 24]:
        raise Refused(Fault("hours", "name no time", "[from, to) such as [22, 2]; the whole day is [0, 24]"))
    if body.category and body.category not in city.taxonomy.categories:
        raise Refused(Fault("category", f"{body.category} is not in the taxonomy", "an id of taxonomy.yaml"))
    place = _line(city, body.area)
    role = "branch" if area.tier is Tier.DISTRICT else "station"
    holder = body_in_role(city.bodies.values(), role, place) or city.command_body
    day = datetime.fromtimestamp(now / 1000, ZoneInfo(city.tz))
    what = f"{body.area}|{body.road}|{body.hours}|{reason}".encode()
    return Patrol(
        order_id=f"OP{day:%Y%m%d}.{hashlib.blake2b(what, digest_size=6).hexdigest()}",
        body_id=holder,
        place=place,
        where=area.name + body.road,
        name=body.road,
        hours=(body.hours[0], body.hours[1]),
        reason=reason,
        category=body.category,
    )


def _line(city: City, area: str) -> Place:
    """The area and those above it."""
    ids: dict[str, str] = {}
    while area in city.areas and city.areas[area].tier.value not in ids:
        ids[city.areas[area].tier.value] = area
        area = city.areas[area].parent
    return Place(ids.get("district", ""), ids.get("township", ""), ids.get("community", ""))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a patrol order's time line says was asked for."""

    spot: Spot
    hours: frozenset[int]
    at: Instant


Days = Annotated[int, Query(ge=1, le=92, description="Days before and after the order that are compared.")]


@router.get("/hotspots/patrol/{order_id}/effect", responses=responses(401, 403, 404, 422, 503))
async def patrol_effect(s: Here, who: Who, order_id: Id, days: Days = 14) -> dict[str, Any]:
    """Did it help: incidents in the patrol's place and hours before and after, against the rest of the city."""
    allow(who, LOOK)
    city, now = s.rules().city, s.clock.now()
    asked = _asked(*await s.recall.order(city.id, order_id))
    before = Range(asked.at - days * DAY_MS, asked.at, city.tz)
    after = Range(asked.at, max(asked.at + HOUR_MS, min(now, asked.at + days * DAY_MS)), city.tz)
    spans = (before.start, before.end), (after.start, after.end)
    found = await s.desk.ask(city, figuring.helped, asked.spot, asked.hours, *spans)
    return {
        "order_id": order_id,
        "complete": now >= asked.at + days * DAY_MS,
        "before": {"from": stamp(before.start, city), "to": stamp(before.end, city), "calls": found.before},
        "after": {"from": stamp(after.start, city), "to": stamp(after.end, city), "calls": found.after},
        "rest": {"before": found.rest_before, "after": found.rest_after},
        "expected": round(found.expected, 2),
        "change": round(found.change, 4),
        "chance": found.chance,
        "verdict": found.verdict,
        "reason": effect.said(found),
    }


def _asked(order: Order, line: list[LogEntry]) -> _Asked:
    said = next((e for e in line if e.what == "order.patrol"), None)
    if said is None:
        raise NotFound(f"order {order.order_id} is no patrol suggestion")
    d = said.data
    start, end = d["hour_from"], d["hour_to"]
    hours = range(start, end) if start < end else [*range(start, 24), *range(end)]
    return _Asked(_spot(d), frozenset(hours), said.at)


def _spot(d: dict[str, Any]) -> Spot:
    if d["name"]:
        level = "road" if road_of(d["name"]) == d["name"] else "address"
        return Spot(level, d["district"], d["township"], name=d["name"])
    level = "community" if d["community"] else "township" if d["township"] else "district"
    return Spot(level, d["district"], d["township"], d["community"])
