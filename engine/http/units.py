"""Routes of units 警力: where they are and whether they are free; a body or the command room says so."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BeforeValidator, Field

from engine.errors import NotFound
from engine.http.asking import Here, Id, Who, allow
from engine.http.audited import Audited
from engine.http.problems import responses
from engine.http.shapes import TIME, Strict, zoned
from engine.http.tokens import LOOK, ROOM, Role, User
from engine.loop.notices import stamp
from engine.model.city import City
from engine.model.units import Unit, UnitStatus
from engine.store import units

router = APIRouter(route_class=Audited, tags=["units"])


class Position(Strict):
    """A point; degrees, WGS-84."""

    lat: Annotated[float, Field(ge=-85, le=85)]
    lng: Annotated[float, Field(ge=-180, le=180)]


class UnitReport(Strict):
    """What a unit says of itself: a status, a position, both, or only that it is still there."""

    status: UnitStatus | None = None
    position: Position | None = None
    at: Annotated[datetime | None, BeforeValidator(zoned), TIME] = None


@router.get("/units", responses=responses(401, 403, 422, 503))
async def list_units(s: Here, who: Who) -> dict[str, Any]:
    """Every unit as it stands; a body sees its own."""
    allow(who, LOOK | {Role.BODY})
    city = s.rules().city
    mine = [u for u in city.units.values() if who.role is not Role.BODY or u.body == who.body]
    found = await units.units(s.client, city.id, [u.id for u in mine])
    return {"units": [unit_view(now, city) for now in found if now.unit_id in city.units]}


@router.post("/units/{unit_id}/status", responses=responses(400, 401, 403, 404, 422, 503))
async def unit_status(s: Here, who: Who, unit_id: Id, body: UnitReport) -> dict[str, Any]:
    """Where a unit is and whether it is free (its body, an officer or a dispatcher says so).

    An older report than the last one changes nothing; the answer is the unit as it stands.
    """
    allow(who, ROOM | {Role.BODY})
    city, now = s.rules().city, s.clock.now()
    _own(city.units.get(unit_id), who)
    at = min(round(body.at.timestamp() * 1000), now) if body.at else now  # a unit's clock may be ahead of ours
    point = (body.position.lat, body.position.lng) if body.position else None
    return unit_view(await units.report(s.client, city.id, unit_id, at=at, status=body.status, point=point), city)


def _own(unit: Unit | None, who: User) -> None:
    """Somebody else's unit does not exist for a body."""
    if unit is None or (who.role is Role.BODY and unit.body != who.body):
        raise NotFound("no such unit" + (f" of {who.body}" if who.body else " in units.yaml"))


def unit_view(now: units.UnitNow, city: City) -> dict[str, Any]:
    """A unit as people and bodies see it."""
    unit = city.units[now.unit_id]
    return {
        "unit_id": unit.id,
        "name": unit.name,
        "body": unit.body,
        "kind": unit.kind.value,
        "status": now.status.value,
        "position": {"lat": round(now.lat, 6), "lng": round(now.lng, 6)},
        "order_id": now.order_id or None,
        "heard_at": stamp(now.heard_at, city) if now.heard_at else None,
    }
