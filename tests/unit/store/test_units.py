"""Units in a real store: found by distance, engaged and released with their order, never sent to two at once."""

import asyncio

import pytest
from test_accepting import T0
from test_committing import an_order

from engine.errors import Conflict, NotFound
from engine.model.change import Change
from engine.model.order import State
from engine.model.units import Unit, UnitKind, UnitStatus
from engine.model.values import replace
from engine.store import commits, units
from engine.store.client import Client

LAT, LNG = 27.92, 122.32
DEGREE_M = 111_195
"""Metres of a degree of latitude."""


def unit(unit_id: str, metres: float, kind: UnitKind = UnitKind.POST) -> Unit:
    return Unit(unit_id, unit_id, "b1", kind, LAT + metres / DEGREE_M, LNG, 30.0)


async def free(client: Client, town: str) -> list[str]:
    return [u.unit_id for u in await units.nearby(client, town, LAT, LNG) or ()]


async def test_free_units_are_found_by_distance(client: Client, town: str) -> None:
    await units.place(client, town, [unit("far", 900), unit("near", 100), unit("away", 30_000)])
    found = await units.nearby(client, town, LAT, LNG) or ()
    assert [u.unit_id for u in found] == ["near", "far"]
    assert [round(u.metres / 50) for u in found] == [2, 18]
    assert await units.nearby(client, town, None, LNG) is None
    assert await units.nearby(client, town, 89.0, LNG) is None, "no such place on the grid"


async def test_a_patrol_counts_from_its_first_word_and_what_it_said_outlives_new_rules(
    client: Client, town: str
) -> None:
    patrol = unit("patrol", 0, UnitKind.PATROL)
    await units.place(client, town, [patrol])
    assert await free(client, town) == []
    await units.report(client, town, "patrol", at=T0, status=UnitStatus.FREE, point=(LAT, LNG))
    await units.place(client, town, [patrol, unit("post", 10)])
    assert await free(client, town) == ["patrol", "post"]
    await units.place(client, town, [replace(patrol, id="post", lat=LAT)])
    assert await free(client, town) == ["post"], "a unit that left the rules is gone"
    with pytest.raises(NotFound):
        await units.unit(client, town, "patrol")


async def test_an_older_report_changes_nothing(client: Client, town: str) -> None:
    await units.place(client, town, [unit("u", 0)])
    await units.report(client, town, "u", at=T0, status=UnitStatus.BUSY)
    now = await units.report(client, town, "u", at=T0 - 1, status=UnitStatus.FREE)
    assert (now.status, now.heard_at) == (UnitStatus.BUSY, T0)
    with pytest.raises(NotFound, match="no unit nobody"):
        await units.report(client, town, "nobody", at=T0, status=UnitStatus.FREE)


async def test_a_unit_follows_its_order(client: Client, town: str) -> None:
    await units.place(client, town, [unit("u", 0)])
    order = an_order(town, unit_id="u")
    await commits.commit(client, town, Change(orders=(order,)), now=T0)
    assert await free(client, town) == []
    assert (await units.unit(client, town, "u")).order_id == "O1"
    assert (await units.unit(client, town, "u")).status is UnitStatus.BUSY
    signed = replace(order, version=2, state=State.SIGNED)
    await commits.commit(client, town, Change(orders=(signed,)), now=T0)
    assert await free(client, town) == []
    reported = replace(order, version=3, state=State.REPORTED)
    await commits.commit(client, town, Change(orders=(reported,)), now=T0)
    assert await free(client, town) == ["u"]


async def test_one_that_went_off_meanwhile_is_not_free_when_its_order_ends(client: Client, town: str) -> None:
    await units.place(client, town, [unit("u", 0)])
    order = an_order(town, unit_id="u")
    await commits.commit(client, town, Change(orders=(order,)), now=T0)
    await units.report(client, town, "u", at=T0, status=UnitStatus.OFF)
    await commits.commit(client, town, Change(orders=(replace(order, version=2, state=State.CANCELLED),)), now=T0)
    assert await free(client, town) == []


async def test_of_many_calls_at_once_one_gets_the_unit(client: Client, town: str) -> None:
    await units.place(client, town, [unit("u", 0)])

    async def send(n: int) -> bool:
        try:
            await commits.commit(client, town, Change(orders=(an_order(town, n, unit_id="u"),)), now=T0)
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*(send(n) for n in range(12)))) == 1
