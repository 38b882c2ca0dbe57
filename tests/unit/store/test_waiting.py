"""What waits: the outbox with its retries and dead letters, clocks on lease, calls without a decision."""

import asyncio

import pytest
from redis.exceptions import ResponseError
from test_accepting import T0, take
from test_committing import a_message, an_order, an_outcome

from engine.errors import StoreDown, StoreUnfit
from engine.model.change import Change
from engine.store import calls, commits, queues, views
from engine.store.client import SUFFIX, Client
from engine.store.keys import key

MINUTE, HOUR = 60_000, 3_600_000


async def outbox(client: Client, town: str, n: int = 1) -> None:
    messages = tuple(a_message(town, i, f"b{i}") for i in range(n))
    await commits.commit(client, town, Change(messages=messages), now=T0)


async def taken(client: Client, town: str, worker: str = "w1", idle: int | None = HOUR) -> list[queues.Queued]:
    return await queues.take(client, town, worker, count=10, reclaim_idle_ms=idle)


async def put(client: Client, town: str, one: queues.Queued, state: str, retry_at: int = 0, tried: bool = True) -> None:
    await queues.settle(client, town, one, state=state, last="HTTP 500", now=T0, retry_at=retry_at, tried=tried)


async def test_a_restored_store_without_its_group_gets_one(client: Client, town: str) -> None:
    await outbox(client, town)
    await client.read("XGROUP", "DESTROY", f"{{{town}}}:outbox", queues.GROUP)
    assert len(await taken(client, town, idle=None)) == 1


async def test_each_message_goes_to_one_worker(client: Client, town: str) -> None:
    await outbox(client, town, 6)
    both = await asyncio.gather(taken(client, town, "w1"), taken(client, town, "w2"))
    ids = [q.message.message_id for half in both for q in half]
    assert sorted(ids) == [f"msg_O1_{n}" for n in range(6)]
    assert await taken(client, town, "w3") == []


async def test_what_a_dead_worker_held_is_taken_up_and_what_a_living_one_holds_is_not(
    client: Client, town: str
) -> None:
    await outbox(client, town, 2)
    assert len(await taken(client, town, "dead")) == 2
    assert await taken(client, town, "living", idle=HOUR) == []
    assert len(await taken(client, town, "living", idle=0)) == 2


async def test_a_delivered_message_is_gone(client: Client, town: str) -> None:
    await outbox(client, town)
    (one,) = await taken(client, town)
    await put(client, town, one, "delivered")
    await put(client, town, one, "dead")  # a second worker that was late changes nothing
    assert await queues.depths(client, town) == {"outbox": 0, "retry": 0, "dead": 0, "alarms": 0, "pending": 0}
    assert await taken(client, town, idle=0) == []


async def test_a_failed_try_waits_for_its_instant_and_counts(client: Client, town: str) -> None:
    await outbox(client, town)
    for tries in range(3):
        (one,) = await taken(client, town)
        assert one.tries == tries
        await put(client, town, one, "waiting", T0 + MINUTE)
        assert await queues.requeue_due(client, town, T0 + MINUTE - 1) == 0
        assert await queues.requeue_due(client, town, T0 + MINUTE) == 1


async def test_a_message_put_off_is_no_failed_try(client: Client, town: str) -> None:
    await outbox(client, town)
    (one,) = await taken(client, town)
    await put(client, town, one, "waiting", T0, tried=False)
    await queues.requeue_due(client, town, T0)
    (again,) = await taken(client, town)
    assert again.tries == 0


async def test_a_dead_letter_is_seen_and_replayed_with_its_tries_forgotten(client: Client, town: str) -> None:
    await outbox(client, town)
    (one,) = await taken(client, town)
    await put(client, town, one, "dead")
    (letter,) = await views.dead_letters(client, town)
    assert (letter["message_id"], letter["body"], letter["last"]) == ("msg_O1_0", "b0", "HTTP 500")
    assert await queues.replay_dead(client, town, ["msg_O1_0", "nonsense"], T0) == 1
    assert await queues.replay_dead(client, town, ["msg_O1_0"], T0) == 0
    (again,) = await taken(client, town)
    assert (again.tries, again.message) == (0, one.message)


async def test_clocks_ring_at_their_instant_and_are_leased_to_one_worker(client: Client, town: str) -> None:
    orders = tuple(an_order(town, n, alarm_at=T0 + n * MINUTE) for n in range(4))
    await commits.commit(client, town, Change(orders=orders), now=T0)
    assert await queues.due_alarms(client, town, T0 - 1, limit=9, lease=MINUTE) == []
    first, second = await asyncio.gather(
        *(queues.due_alarms(client, town, T0 + MINUTE, limit=9, lease=10 * MINUTE) for _ in range(2))
    )
    assert sorted((one.kind, one.subject) for one in first + second) == [("order", "O0"), ("order", "O1")]
    assert all(one.subject.encode() in one.record for one in first + second), "it comes with what it belongs to"
    # Whoever leased them died: they ring again when the lease is over.
    again = await queues.due_alarms(client, town, T0 + 11 * MINUTE, limit=9, lease=MINUTE)
    assert {one.subject for one in again} == {"O0", "O1", "O2", "O3"}


async def undecided(client: Client, town: str, now: int) -> list[str]:
    bounds = {"older_than": 3000, "limit": 9, "lease": 3000, "patient": 4, "longest": 300_000}
    return await queues.undecided(client, town, now, **bounds)


async def test_a_call_without_a_decision_is_found_and_each_try_counted(client: Client, town: str) -> None:
    await take(client, town)
    assert await undecided(client, town, T0 + 2999) == [], "its own process may still be at it"
    assert await undecided(client, town, T0 + 3000) == ["C1"]
    assert await undecided(client, town, T0 + 3001) == [], "leased"
    assert await undecided(client, town, T0 + 60_000) == ["C1"]
    assert (await calls.load(client, town, "C1")).tries == 2


async def test_why_a_call_is_not_decided_is_shown_until_it_is(client: Client, town: str) -> None:
    await take(client, town)
    assert await undecided(client, town, T0 + 4000) == ["C1"], "tried once"
    await queues.note_undecided(client, town, "C1", "could not be decided (KeyError)", T0 + 4000)
    await queues.note_undecided(client, town, "C2", "somebody else decided it in that moment", T0 + 4000)
    (shown,) = await views.undecided(client, town)
    assert (shown["call_id"], shown["why"], shown["tried_at"]) == ("C1", "could not be decided (KeyError)", T0 + 4000)
    await commits.commit(client, town, Change(outcome=an_outcome()), now=T0 + 5000)
    assert await views.undecided(client, town) == []
    assert await client.read("HGET", key(town, "undecided"), "C1") is None


async def test_functions_that_the_store_lost_are_loaded_again(client: Client, town: str) -> None:
    """A store that was replaced by an empty one knows no functions."""
    await client.read("FUNCTION", "DELETE", f"fenliu_{SUFFIX}")
    assert (await take(client, town)).status == "new"


async def test_a_store_that_is_not_there_is_said_to_be_down() -> None:
    with pytest.raises(StoreDown, match="does not answer") as down:
        await Client("redis://user:hush@127.0.0.1:1/0", timeout=0.5).open()
    assert "hush" not in str(down.value)


async def test_a_store_that_would_lose_orders_is_refused_with_the_setting(client: Client, store_url: str) -> None:
    unfit = {"appendonly": "no", "maxmemory-policy": "allkeys-lru", "maxmemory": "500mb"}
    try:
        for name, value in unfit.items():
            await client.read("CONFIG", "SET", name, value)
        with pytest.raises(StoreUnfit, match=r"noeviction.*appendonly yes"):
            await Client(store_url).open()
        told = Client(store_url)
        await told.open(allow_unsafe=True)
        await told.close()
    finally:
        for name, value in {"maxmemory": "0", "maxmemory-policy": "noeviction", "appendonly": "yes"}.items():
            await client.read("CONFIG", "SET", name, value)


async def test_what_stands_still_and_which_bodies_are_not_reached(client: Client, town: str) -> None:
    assert await queues.lags(client, town, T0) == queues.Lags(0, 0, {})
    await outbox(client, town, 3)
    assert (await queues.lags(client, town, T0)).oldest_ms >= 0
    waiting, _, _ = await taken(client, town)
    await put(client, town, waiting, "waiting", retry_at=T0 + MINUTE)
    await commits.commit(client, town, Change(orders=(an_order(town, alarm_at=T0 + MINUTE),)), now=T0)
    found = await queues.lags(client, town, T0 + 3 * MINUTE)
    assert found.unreached == {waiting.message.body_id: 1}
    assert found.clocks_ms == 2 * MINUTE


async def test_hundreds_of_reads_at_once_need_no_hundreds_of_connections(client: Client, town: str) -> None:
    orders = tuple(an_order(town, n, alarm_at=T0) for n in range(300))
    await commits.commit(client, town, Change(orders=orders), now=T0)
    found = await asyncio.gather(*(views.order(client, town, f"O{n}") for n in range(300)))
    assert [o.order_id for o in found] == [o.order_id for o in orders]
    connections = await client.read("CLIENT", "LIST", "TYPE", "normal")
    assert len(connections.splitlines()) < 20


async def test_one_command_that_fails_spoils_nobody_elses_answer(client: Client, town: str) -> None:
    async def wrong() -> object:
        return await client.read("LRANGE", f"{{{town}}}:order:O1", 0, -1)

    await commits.commit(client, town, Change(orders=(an_order(town, 1),)), now=T0)
    answers = await asyncio.gather(
        views.order(client, town, "O1"), wrong(), client.read("PING"), return_exceptions=True
    )
    assert isinstance(answers[1], ResponseError)
    assert (getattr(answers[0], "order_id", ""), answers[2]) == ("O1", True)
