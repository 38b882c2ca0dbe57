"""Messages for a busy body, over the real store: each comes again in its turn, not all of them every second."""

import asyncio
from itertools import pairwise

from edges import At
from loop.errands import DISTRICT, T0
from test_recovering import working

from engine.model.change import Change
from engine.model.city import City
from engine.model.message import Message, MessageType
from engine.model.values import replace
from engine.store import commits
from engine.store.client import Client
from engine.store.keys import key

NUMBER, FULL = 60, 16


async def put_off(client: Client, town: City, took_ms: float) -> list[float]:
    """How many ms later each of sixty messages comes again when the body has its hands full."""
    pushed = replace(town.bodies[DISTRICT], endpoint="http://127.0.0.1:1/")
    town = replace(town, bodies=town.bodies | {DISTRICT: pushed})
    messages = tuple(
        Message(f"msg_{n}", town.id, DISTRICT, MessageType.ORDER_SENT, T0, f"O{n}", {"n": n}) for n in range(NUMBER)
    )
    await commits.commit(client, town.id, Change(messages=messages), now=T0)
    worker = working(client, town, At(T0), [])
    worker._per_body[DISTRICT], worker._took_ms[DISTRICT] = FULL, took_ms
    while await worker.deliver():
        await asyncio.gather(*worker._under_way)
    found = await client.read("ZRANGE", key(town.id, "retry"), 0, -1, "WITHSCORES")
    return [float(score) - T0 for score in found[1::2]]


async def test_they_come_again_at_the_pace_at_which_it_answers(client: Client, town: City) -> None:
    waits = await put_off(client, town, took_ms=1600)
    assert len(waits) == NUMBER
    assert min(waits) >= 1000
    assert NUMBER * 100 <= max(waits) <= 1000 + NUMBER * 100 + 500, "a hundred ms for each turn, and the spread"
    assert max(later - earlier for earlier, later in pairwise(waits)) < 1000


async def test_however_slow_it_is_none_waits_longer_than_half_a_minute(client: Client, town: City) -> None:
    waits = await put_off(client, town, took_ms=160_000)
    assert len(waits) == NUMBER
    assert max(waits) <= 30_500
