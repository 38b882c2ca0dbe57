"""Reading stored calls as an archive: one JSON object a line, as the store holds them, without taking them apart."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from engine.model.call import Instant
from engine.store.client import Client
from engine.store.keys import key

_BATCH = 500


class Line(NamedTuple):
    """One call: when it was received, its id, `{call, outcome}` as JSON."""

    at: Instant
    id: str
    json: bytes


async def lines(client: Client, city: str, since: Instant, until: Instant, most: int) -> AsyncIterator[Line]:
    """Decided calls received in [since, until), oldest first, the newest `most` of them."""
    asked = ("ZREVRANGEBYSCORE", key(city, "calls"), f"({until}", since, "WITHSCORES", "LIMIT", 0, most)
    flat = await client.read(*asked)
    pairs = [(int(float(flat[i + 1])), flat[i].decode()) for i in range(0, len(flat), 2)][::-1]
    for start in range(0, len(pairs), _BATCH):
        batch = pairs[start : start + _BATCH]
        rows = await client.read_many([("HMGET", key(city, "call", i), "body", "outcome") for _, i in batch])
        for (at, id_), (body, outcome) in zip(batch, rows, strict=True):
            if body and outcome:
                yield Line(at, id_, body[:-1] + b',"outcome":' + outcome + b"}")
