"""Three cities on a real Cluster: a master dies under load, a slot moves under load, nothing acknowledged is lost."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from clustering import Cluster, clustered
from redis.crc import key_slot
from test_accepting import T0, take
from test_committing import a_message, an_order, an_outcome

from engine.errors import StoreDown
from engine.model.change import Change
from engine.model.message import LogEntry
from engine.store import calls, commits, queues, views
from engine.store.client import Client
from engine.store.keys import KEYS, key

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clustered(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@dataclass
class Ringing:
    """Calls of one city, each again under its id until it is answered; `answered` are acknowledged."""

    client: Client
    city: str
    answered: list[int] = field(default_factory=list)
    refused: int = 0
    stopping: bool = False

    async def run(self) -> None:
        n = 0
        while not self.stopping:
            n += 1
            await self._ring(n)
            await asyncio.sleep(0.01)

    async def _ring(self, n: int) -> None:
        order = an_order(self.city, n)
        change = Change(outcome=an_outcome(f"C{n}"), orders=(order,), messages=(a_message(self.city, n),))
        for _ in range(3000):
            try:
                await take(self.client, self.city, n)
                await commits.commit(self.client, self.city, change, now=T0, answer=b"{}", received_at=T0)
            except StoreDown:
                self.refused += 1
                await asyncio.sleep(0.02)
            else:
                self.answered.append(n)
                return
        raise AssertionError(f"call {n} was never answered")

    async def all_there(self) -> None:
        for n in self.answered:
            stored = await calls.load(self.client, self.city, f"C{n}")
            assert (stored.status, stored.answer) == ("committed", b"{}")
            assert (await views.order(self.client, self.city, f"O{n}")).order_id == f"O{n}"
        assert (await queues.depths(self.client, self.city))["outbox"] >= len(self.answered)


async def more(ringing: list[Ringing], number: int) -> None:
    """Until so many more calls of every city are answered."""
    goals = [len(r.answered) + number for r in ringing]
    deadline = time.monotonic() + 90
    while any(len(r.answered) < goal for r, goal in zip(ringing, goals, strict=True)):
        assert time.monotonic() < deadline, [(r.city, len(r.answered), r.refused) for r in ringing]
        await asyncio.sleep(0.02)


async def ringing_at(cluster: Cluster, cities: list[str], replicas_ack: int) -> list[Ringing]:
    found = []
    for city in cities:
        client = Client(cluster.url, replicas_ack=replicas_ack, timeout=3.0)
        await client.open()
        found.append(Ringing(client, city))
    return found


def test_each_city_lies_in_one_slot(cluster: Cluster) -> None:
    assert {key_slot(key("cj", *k.pattern.split(":")).encode()) for k in KEYS} == {cluster.slot("cj")}


async def test_a_function_writes_nothing_by_halves_while_its_keys_are_in_two_places(cluster: Cluster) -> None:
    city = "halb"
    client = Client(cluster.url)
    await client.open()
    entry = LogEntry(T0, "O1", "order.sent", "fenliu")
    await commits.commit(client, city, Change(messages=(a_message(city),), log=(entry,)), now=T0)
    taken = (await queues.take(client, city, "w", count=1, reclaim_idle_ms=None))[0]
    loop, refused = asyncio.get_running_loop(), []

    async def settled() -> None:
        await queues.settle(client, city, taken, state="delivered", last="204", now=T0)

    def halfway() -> None:  # the message is there, the outbox still here: taking one out would lose the other
        try:
            asyncio.run_coroutine_threadsafe(settled(), loop).result(30)
        except StoreDown as error:
            refused.append(error)

    await asyncio.to_thread(cluster.move, city, 0.0, halfway, "msg")
    assert refused
    assert await client.read("XLEN", key(city, "outbox")) == 1
    await settled()
    assert await client.read("XLEN", key(city, "outbox")) == 0
    assert await client.read("HGET", key(city, "msg", taken.message.message_id), "state") == b"delivered"
    await client.close()


async def test_a_slot_moves_and_a_master_dies_under_load(cluster: Cluster) -> None:
    ports = list(cluster.masters())
    cities = [cluster.city_at(port, "stadt") for port in ports]
    assert len({cluster.master_of(city) for city in cities}) == 3
    ringing = await ringing_at(cluster, cities, replicas_ack=1)
    tasks = [asyncio.create_task(r.run()) for r in ringing]
    await more(ringing, 20)

    await asyncio.to_thread(cluster.move, cities[1], 0.01)
    assert cluster.master_of(cities[1]) != ports[1]
    await more(ringing, 10)

    dying = cluster.master_of(cities[1])  # two cities lie there now
    await asyncio.to_thread(cluster.kill, dying)
    await asyncio.to_thread(cluster.until_failed_over, cities[1], dying)
    stands_still = len(ringing[1].answered)
    await more(ringing[2:], 10)
    assert len(ringing[1].answered) <= stands_still + 1, "its master has no replica that could confirm"
    cluster.start(dying)
    await more(ringing, 10)
    for one in ringing:
        one.stopping = True
    await asyncio.gather(*tasks)
    for one in ringing:
        await one.all_there()
        await one.client.close()
    assert ringing[1].refused > 0, "while its master was dead nothing of that city was acknowledged"


async def test_without_a_replica_to_confirm_nothing_is_acknowledged(cluster: Cluster) -> None:
    port = next(iter(cluster.masters()))
    city = cluster.city_at(port, "burg")
    client = Client(cluster.url, replicas_ack=2, timeout=1.0)
    await client.open()
    with pytest.raises(StoreDown, match=r"1 of 2 replicas confirmed|0 of 2 replicas"):
        await take(client, city)
    with pytest.raises(StoreDown):  # a repeated call writes nothing, and is not acknowledged either
        await take(client, city)
    await client.close()
