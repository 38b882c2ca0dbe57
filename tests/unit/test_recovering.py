"""Recovery, over the real store: a stored call that cannot be read is tried ever less often, shown, and never lost."""

import itertools

from edges import At, Told, rules_of
from loop.errands import T0

from engine.model.city import City
from engine.store import queues, views
from engine.store.client import Client
from engine.store.keys import key
from engine.worker import Worker

SECOND, HOUR = 1000, 3_600_000
HALF = '{"call": {"text": "新渡街道科汇社区有人打架'


def working(client: Client, town: City, at: At, told: Told) -> Worker:
    """A worker that only recovers: it sends nothing and opens nothing."""
    book = rules_of(town)
    nobody = None
    return Worker(
        client, lambda: book, at, nobody, nobody, "w", nobody, nobody, lambda *said: told.append(said)  # type: ignore[arg-type]  # stands for the worker's own
    )  # fmt: skip


async def broken(client: Client, town: City) -> None:
    """A call was taken, and half of it stands in the store."""
    await client.read("HSET", key(town.id, "call", "C1"), "body", HALF, "status", "accepted", "tries", 0, "at", T0)
    await client.read("ZADD", key(town.id, "pending"), T0, "C1")


async def test_it_is_tried_ever_less_often_and_stays_where_people_see_it(client: Client, town: City) -> None:
    await broken(client, town)
    told: Told = []
    at = At(T0)
    worker = working(client, town, at, told)
    tried = []
    for second in range(0, 3600, 3):
        at.at = T0 + second * SECOND
        if await worker.recover():
            tried.append(second)
    gaps = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert gaps[:3] == [3, 3, 3], "at first as soon as any other call"
    assert gaps == sorted(gaps)
    assert gaps[-1] == 300, "never less often than every five minutes"
    assert len(tried) < 25
    assert [said[:2] for said in told] == [("undecided", "C1")], "people are told once"
    (shown,) = await views.undecided(client, town.id)
    assert (shown["call_id"], shown["tries"], shown["stored"]) == ("C1", len(tried), HALF)
    assert "DecodeError" in shown["why"]


async def test_a_person_may_have_it_tried_at_once(client: Client, town: City) -> None:
    await broken(client, town)
    at = At(T0 + HOUR)
    worker = working(client, town, at, [])
    assert await worker.recover() == 1
    assert await worker.recover() == 0
    assert await queues.decide_now(client, town.id, "C1")
    assert await worker.recover() == 1
    assert not await queues.decide_now(client, town.id, "C2"), "nobody waits under this id"
    assert await client.read("ZCARD", key(town.id, "pending")) == 1


async def test_an_order_about_it_goes_out_without_its_contact(client: Client, town: City) -> None:
    await broken(client, town)
    assert await working(client, town, At(T0), [])._contact("C1") == {}
