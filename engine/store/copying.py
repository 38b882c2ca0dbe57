"""A city's keys as they stood at one instant, copied while calls come in; and put into another store.

Works alike on the embedded store, a standalone server and the node of a Cluster that has the city's slot. The values
are read by their types, not as a server's own dump, so that they can be put into a store of another make or version.

First everything is read while it changes; the server tells which keys change meanwhile (client tracking, broadcast by
the city's prefix), and these are read again until few are left. For those, writing is held for a moment (`CLIENT PAUSE
WRITE`: callers wait, nobody is refused). The instant at which writing was held is the instant of the copy.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

from redis.exceptions import RedisError

from engine.errors import StoreDown
from engine.store.client import Client
from engine.store.keys import key

GROWING = frozenset({"log", "labels", "audit"})
"""Streams that are only added to (and cut at the front): of these only what is new is read again."""
_PAGE = 200
_STREAM_PAGE = 1000
_FEW = 400
"""So many changed keys are read while writing is held."""
_ROUNDS = 8
_HOLD_MS = 10_000
"""Writing goes on by itself after so long, should this process die."""
_PIECE = 2000
_INVALIDATED = "__redis__:invalidate"
Record = tuple[str, str, int, list[Any]]
"""(type, key without the city's tag, instant at which it expires in ms since 1970 or 0, values)."""
END = "end"


class Unsteady(StoreDown):
    """The store changed faster than it could be copied; try again at a quieter hour."""


class Copy:
    """One copy under way. `held_ms` is how long writing was held at its end; `instant` when (ms since 1970)."""

    def __init__(self, client: Client, city: str) -> None:
        self._client, self._city = client, city
        self._prefix = key(city, "").encode()
        self._ends: dict[str, str] = {}
        self.held_ms = 0.0
        self.instant = 0
        self.records = 0

    async def run(self) -> AsyncIterator[Record]:
        """Every record; of several about one key the last counts. Raises `StoreDown` and `Unsteady`."""
        pool = await self._client.pool_of(self._city)
        self._ear, self._hand = pool.make_connection(), pool.make_connection()
        try:
            await self._listen()
            async for record in self._all():
                yield record
            async for record in self._rest():
                yield record
            yield (END, "", self.instant, [])
        except (RedisError, OSError) as error:
            raise StoreDown(f"the store could not be copied: {error}") from error
        finally:
            await self._ear.disconnect(nowait=True)
            await self._hand.disconnect(nowait=True)

    async def _listen(self) -> None:
        await self._ear.connect()
        await self._hand.connect()
        number = (await _trip(self._ear, [("CLIENT", "ID")]))[0]
        await _trip(self._ear, [("SUBSCRIBE", _INVALIDATED)])
        tracking = ("CLIENT", "TRACKING", "ON", "REDIRECT", number, "BCAST", "PREFIX", self._prefix)
        await _trip(self._hand, [tracking])

    async def _changed(self) -> set[bytes]:
        """Keys changed since the last question: all that the server sent before it answers this ping."""
        await self._ear.send_command("PING", "here")
        found: set[bytes] = set()
        while (answer := await self._ear.read_response())[0] != b"pong":
            if answer[0] == b"message":
                if answer[2] is None:
                    raise Unsteady("the store was emptied while it was copied")
                found.update(answer[2])
        return found

    async def _all(self) -> AsyncIterator[Record]:
        cursor = b"0"
        while True:
            scan = ("SCAN", cursor, "MATCH", self._prefix + b"*", "COUNT", 1000)
            cursor, names = (await _trip(self._hand, [scan]))[0]
            async for record in self._read(names):
                yield record
            if cursor == b"0":
                return

    async def _rest(self) -> AsyncIterator[Record]:
        """What changed meanwhile: read while it still changes, the last of it while writing is held."""
        for _ in range(_ROUNDS):
            changed = await self._changed()
            if len(changed) > _FEW:
                async for record in self._read(changed):
                    yield record
                continue
            found = await self._held(changed)
            for record in found or ():
                yield record
            if found is not None:
                return
        raise Unsteady("the store changes faster than it can be copied; try again at a quieter hour")

    async def _held(self, changed: set[bytes]) -> list[Record] | None:
        """The last records, read while nobody writes; None when that took longer than writing can be held."""
        began = time.monotonic()
        try:
            await _trip(self._hand, [("CLIENT", "PAUSE", _HOLD_MS, "WRITE")])
        except RedisError as error:
            raise StoreDown(f"the store does not let writing be held for a moment (CLIENT PAUSE): {error}") from error
        try:
            changed |= await self._changed()
            self.instant = round(time.time() * 1000)
            records = [record async for record in self._read(changed | self._growing())]
        finally:
            await _trip(self._hand, [("CLIENT", "UNPAUSE")])
        self.held_ms = round((time.monotonic() - began) * 1000, 1)
        return records if self.held_ms < _HOLD_MS * 0.8 else None

    def _growing(self) -> set[bytes]:
        return {self._prefix + name.encode() for name in GROWING}

    async def _read(self, names: Iterable[bytes]) -> AsyncIterator[Record]:
        for page in _pages(list(names), _PAGE):
            asked = [(word, name) for name in page for word in ("TYPE", "PEXPIRETIME")]
            told = await _trip(self._hand, asked)
            kinds = [(name, told[2 * n].decode(), max(0, int(told[2 * n + 1]))) for n, name in enumerate(page)]
            plain = [each for each in kinds if each[1] in _READ]
            values = await _trip(self._hand, [_read_command(name, kind) for name, kind, _ in plain])
            for (name, kind, expires), value in zip(plain, values, strict=True):
                yield self._noted(kind if value or value == b"" else "none", name, expires, _flat(value))
            for name, kind, _ in kinds:
                if kind == "stream":
                    async for record in self._stream(name):
                        yield record
                elif kind == "none":
                    yield self._noted("none", name, 0, [])

    async def _stream(self, name: bytes) -> AsyncIterator[Record]:
        short = name[len(self._prefix) :].decode()
        growing = short in GROWING
        at = self._ends.get(short, "") if growing else ""
        if not at:
            yield self._noted("none", name, 0, [])
        while True:
            asked = ("XRANGE", name, f"({at}" if at else "-", "+", "COUNT", _STREAM_PAGE)
            rows = (await _trip(self._hand, [asked]))[0]
            if rows:
                at = rows[-1][0].decode()
                yield self._noted("stream", name, 0, [[i, list(fields)] for i, fields in rows])
            if len(rows) < _STREAM_PAGE:
                break
        if growing:
            self._ends[short] = at
            first = (await _trip(self._hand, [("XRANGE", name, "-", "+", "COUNT", 1)]))[0]
            if first:
                yield self._noted("from", name, 0, [first[0][0]])

    def _noted(self, kind: str, name: bytes, expires: int, values: list[Any]) -> Record:
        self.records += 1
        return kind, name[len(self._prefix) :].decode(), expires, values


_READ = {"string": ("GET",), "hash": ("HGETALL",), "set": ("SMEMBERS",), "list": ("LRANGE", 0, -1)} | {
    "zset": ("ZRANGE", 0, -1, "WITHSCORES")
}


def _read_command(name: bytes, kind: str) -> tuple[Any, ...]:
    word, *more = _READ[kind]
    return (word, name, *more)


def _flat(value: Any) -> list[Any]:
    return [value] if isinstance(value, bytes) else list(value or [])


def _pages(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))


async def _trip(connection: Any, commands: list[tuple[Any, ...]]) -> list[Any]:
    """Answers of some commands sent at once. Raises what redis-py raises, once every answer is read."""
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    answers: list[Any] = []
    for _ in commands:
        try:
            answers.append(await connection.read_response())
        except RedisError as error:
            answers.append(error)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


async def is_empty(client: Client, city: str) -> bool:
    """Whether the store holds nothing of this city."""
    connection = (await client.pool_of(city)).make_connection()
    cursor = b"0"
    try:
        await connection.connect()
        while True:
            scan = ("SCAN", cursor, "MATCH", key(city, "*"), "COUNT", 1000)
            cursor, names = (await _trip(connection, [scan]))[0]
            if names or cursor == b"0":
                return not names
    except (RedisError, OSError) as error:
        raise StoreDown(f"the store could not be looked at: {error}") from error
    finally:
        await connection.disconnect(nowait=True)


async def put(client: Client, city: str, records: Iterable[Record]) -> int:
    """Write records into a store that holds nothing of the city; answers the instant of the copy.

    Raises `StoreDown`. What expired meanwhile is not there afterwards.
    """
    waiting: list[tuple[Any, ...]] = []
    instant = 0
    for kind, name, expires, values in records:
        if kind == END:
            instant = expires
            break
        waiting += _commands(kind, key(city, name), expires, values)
        if len(waiting) >= _PAGE:
            await client.read_many(waiting)
            waiting = []
            await asyncio.sleep(0)
    await client.read_many(waiting)
    return instant


def _commands(kind: str, name: str, expires: int, values: list[Any]) -> Iterator[tuple[Any, ...]]:
    if kind == "stream":
        yield from (("XADD", name, i, *fields) for i, fields in values)
        return
    if kind == "from":
        yield ("XTRIM", name, "MINID", values[0])
        return
    yield ("DEL", name)
    if kind == "string":
        yield ("SET", name, values[0])
    elif kind == "zset":
        pairs = [(values[n + 1], values[n]) for n in range(0, len(values), 2)]
        yield from (("ZADD", name, *(x for pair in page for x in pair)) for page in _pages(pairs, _PIECE))
    elif kind in _WRITE:
        yield from ((_WRITE[kind], name, *page) for page in _pages(values, _PIECE))
    if expires and kind != "none":
        yield ("PEXPIREAT", name, expires)


_WRITE = {"hash": "HSET", "set": "SADD", "list": "RPUSH"}
