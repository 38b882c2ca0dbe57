"""A copy of a city is the city at one instant, whatever is written while it is made."""

import asyncio

from engine.store import copying
from engine.store.client import Client
from engine.store.keys import key


async def writing(client: Client, town: str, stop: asyncio.Event) -> int:
    """Two keys that always say the same number, changed together, and a stream that says every number."""
    n = 0
    while not stop.is_set():
        n += 1
        name = key(town, "order", str(n % 50))
        await client.read(
            "EVAL",
            "redis.call('SET',KEYS[1],ARGV[1]) redis.call('HSET',KEYS[2],'n',ARGV[1]) "
            "redis.call('ZADD',KEYS[4],ARGV[1],'m') redis.call('DEL',KEYS[5]) "
            "redis.call('XADD',KEYS[3],'*','j',ARGV[1])",
            5,
            key(town, "calls:seq"),
            name,
            key(town, "log"),
            key(town, "orders"),
            key(town, "line", str(n)),
            n,
        )
    return n


async def copied(client: Client, town: str) -> tuple[copying.Copy, list[copying.Record]]:
    copy = copying.Copy(client, town)
    return copy, [record async for record in copy.run()]


async def test_what_is_changed_together_is_copied_together(client: Client, town: str) -> None:
    await client.read_many([("RPUSH", key(town, "line", str(n)), "a", str(n)) for n in range(3000)])
    await client.read("SET", key(town, "hook:old"), "x", "PX", 1)
    await client.read("SET", key(town, "hook:new"), "x", "PX", 600_000)
    stop = asyncio.Event()
    writer = asyncio.create_task(writing(client, town, stop))
    await asyncio.sleep(0.1)
    copy, records = await copied(client, town)
    stop.set()
    assert await writer > 10
    other = f"{town}x"
    assert await copying.put(client, other, records) == copy.instant
    last = int(await client.read("GET", key(other, "calls:seq")))
    told = [int(row[1][b"j"]) for row in await client.read("XRANGE", key(other, "log"), "-", "+")]
    assert told == list(range(1, last + 1)), "the stream says every number once, up to the instant"
    assert int(await client.read("HGET", key(other, "order", str(last % 50)), "n")) == last
    assert float(await client.read("ZSCORE", key(other, "orders"), "m")) == last
    assert not await client.read("EXISTS", key(other, "line", str(last)))
    assert await client.read("LRANGE", key(other, "line", "2999"), 0, -1) in ([b"a", b"2999"], [])
    assert not await client.read("EXISTS", key(other, "hook:old"))
    assert 0 < await client.read("PTTL", key(other, "hook:new")) <= 600_000
    assert not await copying.is_empty(client, other)
    assert await copying.is_empty(client, f"{town}y")
