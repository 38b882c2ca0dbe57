"""Units 警力: where each is and whether it is free. The free ones stand in one geographic index.

A unit counts as free while it says so and no open order has it; `commit` engages and releases it with the order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.errors import NotFound
from engine.model.call import Instant
from engine.model.units import FreeUnit, Unit, UnitKind, UnitStatus
from engine.store.client import Client
from engine.store.keys import key

REACH_M = 20_000
"""How far away a free unit may be to be looked at; circles are a few kilometres."""
MOST = 12
"""Free units looked at for one call."""
_FIELDS = ("said", "order", "lat", "lng", "at")


@dataclass(frozen=True, slots=True)
class UnitNow:
    """A unit as it stands."""

    unit_id: str
    said: UnitStatus
    order_id: str
    """The open order it is engaged with; empty when none."""
    lat: float
    lng: float
    heard_at: Instant
    """When it last reported; 0 = never."""

    @property
    def status(self) -> UnitStatus:
        """Busy while an order has it, whatever it said before."""
        return UnitStatus.BUSY if self.order_id and self.said is UnitStatus.FREE else self.said


def near(lat: float | None, lng: float | None) -> dict[str, Any] | None:
    """What `accept` is asked with; None where no point is known."""
    if lat is None or lng is None or abs(lat) > 85:
        return None
    return {"lat": lat, "lng": lng, "radius": REACH_M, "limit": MOST}


def free_units(rows: Any) -> tuple[FreeUnit, ...] | None:
    """What a stored function answers of free units; None when it was not asked."""
    if rows is None:
        return None
    return tuple(FreeUnit(_text(row[0]), float(row[1]), int(row[2] or 0)) for row in rows)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()


async def nearby(client: Client, city: str, lat: float | None, lng: float | None) -> tuple[FreeUnit, ...] | None:
    """Free units near a point, nearest first; None where no point is known."""
    asked = near(lat, lng)
    return free_units(await client.call("free_units", city, near=asked)) if asked else None


async def place(client: Client, city: str, units: Iterable[Unit]) -> None:
    """The table of the rules: new units get their place, units that left it are forgotten, what units said stays."""
    await client.call("place_units", city, units=[_home(unit) for unit in units])


def _home(unit: Unit) -> dict[str, Any]:
    """A patrol is off until it reports; what has a fixed place is there."""
    said = UnitStatus.OFF if unit.kind is UnitKind.PATROL else UnitStatus.FREE
    home = f"{unit.lat},{unit.lng}"
    return {"id": unit.id, "lat": unit.lat, "lng": unit.lng, "home": home, "said": said.value}


async def report(
    client: Client,
    city: str,
    unit_id: str,
    *,
    at: Instant,
    status: UnitStatus | None = None,
    point: tuple[float, float] | None = None,
) -> UnitNow:
    """What a unit says of itself; an older report than the last one changes nothing. Raises `NotFound`."""
    lat, lng = point or (None, None)
    said = status.value if status else None
    answer = await client.call("report_unit", city, id=unit_id, at=at, said=said, lat=lat, lng=lng)
    return _now(unit_id, answer)


async def unit(client: Client, city: str, unit_id: str) -> UnitNow:
    """One unit as it stands; raises `NotFound`."""
    return _now(unit_id, await client.read("HMGET", key(city, "unit", unit_id), *_FIELDS))


async def units(client: Client, city: str, ids: list[str]) -> list[UnitNow]:
    """Units as they stand; those the store has not heard of are left out."""
    rows = await client.read_many([("HMGET", key(city, "unit", one), *_FIELDS) for one in ids])
    return [_now(one, row) for one, row in zip(ids, rows, strict=True) if row[0]]


def _now(unit_id: str, row: Any) -> UnitNow:
    if not row or not row[0]:
        raise NotFound(f"no unit {unit_id} in this city")
    said, order, lat, lng, at = row
    return UnitNow(
        unit_id, UnitStatus(said.decode()), (order or b"").decode(), float(lat), float(lng), int(float(at or 0))
    )
