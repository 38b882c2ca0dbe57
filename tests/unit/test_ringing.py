"""Clocks at the edge, over the real store: everything due rings once, whatever somebody does in the same moment."""

import pytest
from edges import At, Told, rules_of
from loop.errands import DISTRICT, SIGN, T0, a_call, decided, moved

from engine.loop import Opening, open_order
from engine.model.change import Change
from engine.model.city import City
from engine.model.order import Order
from engine.model.values import replace
from engine.ringing import Bell
from engine.store import commits, views
from engine.store.client import Client
from engine.store.keys import key

DAY = 86_400_000


def sent(town: City, n: int) -> Change:
    """An order that waits for its body to sign."""
    call = replace(a_call(n), city=town.id)
    return open_order(Opening(f"O{n}", call, decided()), town, T0)


def bell(client: Client, town: City, now: int, told: Told | None = None) -> Bell:
    book = rules_of(town)
    heard: Told = [] if told is None else told
    return Bell(client, lambda: book, At(now), lambda *said: heard.append(said))


async def whats(client: Client, town: City, n: int) -> list[str]:
    return [entry.what for entry in await views.line(client, town.id, f"O{n}")]


async def test_hundreds_that_are_due_ring_once_each(client: Client, town: City) -> None:
    for n in range(300):
        await commits.commit(client, town.id, sent(town, n), now=T0)
    ringing = bell(client, town, T0 + DAY)
    rang = 0
    while more := await ringing.ring():
        rang += more
    assert rang == 300
    for n in (0, 150, 299):
        assert (await whats(client, town, n)).count("order.overdue") == 1
    assert await client.read("ZCARD", key(town.id, "orders:overdue")) == 300


async def test_a_clock_taken_a_moment_early_rings_at_its_instant(client: Client, town: City) -> None:
    await commits.commit(client, town.id, sent(town, 1), now=T0)
    order: Order = await views.order(client, town.id, "O1")
    assert order.alarm_at is not None
    assert await bell(client, town, order.alarm_at - 600).ring() == 0, "too early to be taken"
    assert await bell(client, town, order.alarm_at - 40).ring() == 1
    last = (await views.line(client, town.id, "O1"))[-1]
    assert (last.what, last.at) == ("order.reminder", order.alarm_at)


async def test_who_signs_in_the_same_moment_is_first_and_the_clock_looks_again(
    client: Client, town: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await commits.commit(client, town.id, sent(town, 1), now=T0)
    ringing, decide, seen = bell(client, town, T0 + DAY), Bell._due, []

    async def decide_while_somebody_signs(self: Bell, *asked: object) -> tuple[Change, int]:
        change, now = await decide(self, *asked)  # type: ignore[arg-type]  # passed on as it came
        seen.append(change)
        if len(seen) == 1:
            signed = moved(await views.order(client, town.id, "O1"), town, SIGN[0], now, SIGN[1])
            await commits.commit(client, town.id, signed, now=now)
        return change, now

    monkeypatch.setattr(Bell, "_due", decide_while_somebody_signs)
    await ringing.ring()
    order: Order = await views.order(client, town.id, "O1")
    assert (order.state.value, order.overdue, order.body_id) == ("signed", False, DISTRICT)
    assert len(seen) == 2
    assert seen[1] == Change(), "what was decided on the older version was not written"


async def test_a_record_that_cannot_be_read_holds_up_nobody(client: Client, town: City) -> None:
    for n in range(3):
        await commits.commit(client, town.id, sent(town, n), now=T0)
    await client.read("HSET", key(town.id, "order", "O1"), "json", "{")
    await client.read("DEL", key(town.id, "order", "O2"))
    told: Told = []
    ringing = bell(client, town, T0 + DAY, told)
    assert await ringing.ring() == 3
    assert "order.overdue" in await whats(client, town, 0)
    assert sorted(said[:2] for said in told) == [("clock_gone", "O2"), ("clock_stuck", "O1")]


async def test_a_clock_whose_record_is_gone_is_dropped_and_said_once(client: Client, town: City) -> None:
    await commits.commit(client, town.id, sent(town, 1), now=T0)
    await client.read("DEL", key(town.id, "order", "O1"))
    told: Told = []
    ringing = bell(client, town, T0 + DAY, told)
    assert await ringing.ring() == 1
    ringing._clock = At(T0 + 2 * DAY)
    assert await ringing.ring() == 0
    assert await client.read("ZCARD", key(town.id, "alarms")) == 0
    assert [what for what, _, _ in told] == ["clock_gone"]


async def test_a_clock_that_cannot_be_served_rings_again_and_is_said_once(client: Client, town: City) -> None:
    await commits.commit(client, town.id, sent(town, 1), now=T0)
    whole = await client.read("HGET", key(town.id, "order", "O1"), "json")
    await client.read("HSET", key(town.id, "order", "O1"), "json", "{")
    told: Told = []
    ringing = bell(client, town, T0 + DAY, told)
    for n in range(3):
        ringing._clock = At(T0 + DAY + n * 15_000)
        assert await ringing.ring() == 1
    assert [what for what, _, _ in told] == ["clock_stuck"]
    await client.read("HSET", key(town.id, "order", "O1"), "json", whole)
    ringing._clock = At(T0 + DAY + 45_000)
    await ringing.ring()
    assert "order.overdue" in await whats(client, town, 1), "the record is mended: nothing was lost"
