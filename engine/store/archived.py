"""Reading stored calls as an archive: one JSON object a line, as the store holds them, without taking them apart."""

from collections.abc import AsyncIterator

from engine.model.call import Instant
from engine.store.client import Client
from engine.store.keys import key

_BATCH = 500


async def lines(client: Client, city: str, since: Instant, until: Instant, most: int) -> AsyncIterator[bytes]:
    """Decided calls received in [since, until), oldest first, the newest `most` of them: `{call, outcome}`."""
    ids = await client.read("ZREVRANGEBYSCORE", key(city, "calls"), f"({until}", since, "LIMIT", 0, most)
    ids.reverse()
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        rows = await client.read_many([("HMGET", key(city, "call", i.decode()), "body", "outcome") for i in batch])
        for body, outcome in rows:
            if body and outcome:
                yield body[:-1] + b',"outcome":' + outcome + b"}"
