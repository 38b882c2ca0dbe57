"""The connection: one code path for embedded, standalone and Cluster; calls that wait together share a trip."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterError,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from engine.errors import StoreDown, StoreUnfit
from engine.store.keys import key
from engine.store.lane import Lane
from engine.store.line import Commands, Line
from engine.store.nodes import Nodes

_LUA = (Path(__file__).parent / "functions.lua").read_text(encoding="utf-8")
SUFFIX = hashlib.blake2b(_LUA.encode(), digest_size=5).hexdigest()
LIBRARY = _LUA.replace("@LIBRARY@", f"fenliu_{SUFFIX}").replace("@SUFFIX@", SUFFIX)
_pack = msgspec.msgpack.Encoder().encode
_NOT_NOW = (ReadOnlyError, MasterDownError, OutOfMemoryError)
_NOT_NOW_WORDS = ("LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "non local key")
"""redis-py takes the first word off errors it has a class for. The last one: a Cluster is moving the city's slot."""
_AWAY = (
    RedisConnectionError,
    RedisTimeoutError,
    RedisClusterException,
    ClusterError,
    MovedError,
    AskError,
    TryAgainError,
    OSError,
)


class Client:
    """Sends functions and reads. All failures to reach the store become `StoreDown`.

    Function calls made while a trip is under way wait together and share the next pipeline: the
    server then flushes its log to disk once for all of them. Reads share trips on a connection of
    their own, so that a hundred things at once need two connections and not a hundred.
    """

    def __init__(self, url: str, *, timeout: float = 5.0, replicas_ack: int = 0) -> None:
        """`replicas_ack`: so many replicas must have a change before it counts as done."""
        self.url = url
        self.timeout = timeout
        self._replicas_ack = replicas_ack
        self._redis: Any = None
        self._nodes: Nodes | None = None
        self._lines: list[Line] = []
        self._calls = Lane(self._called)
        self._reads: Lane | None = None

    async def open(self, *, allow_unsafe: bool = False) -> None:
        """Connect, check that the store is fit to keep orders, load the functions.

        Raises `StoreDown` when it does not answer and `StoreUnfit`, naming the setting, when it
        evicts keys or keeps nothing on disk (unless `allow_unsafe`).
        """
        options: dict[str, Any] = {
            "socket_timeout": self.timeout,
            "socket_connect_timeout": self.timeout,
            "protocol": 2,
        }
        plain = Redis.from_url(self.url, retry=Retry(NoBackoff(), 1), **options)
        cluster = await self._guard(lambda: plain.info("cluster"))
        if cluster.get("cluster_enabled"):
            await plain.aclose()
            self._redis = RedisCluster.from_url(self.url, **options)
            await self._guard(self._redis.initialize)
            self._nodes = Nodes(self._redis, self.timeout)
        else:
            self._redis = plain
            self._lines = [Line(plain.connection_pool, self.timeout) for _ in range(2)]
            self._reads = Lane(self._were_read)
            self._reads.open("store-reader")
        await self._check_fit(allow_unsafe)
        await self._load()
        self._calls.open("store-sender")

    async def close(self) -> None:
        """Let go of the connection."""
        self._calls.close()
        if self._reads is not None:
            self._reads.close()
        for line in self._lines:
            await line.close()
        if self._nodes is not None:
            await self._nodes.close()
        if self._redis is not None:
            await self._redis.aclose()

    async def call(self, name: str, city: str, **fields: Any) -> Any:
        """Run one stored function on one city's slot; raises `StoreDown`."""
        return await self.run(name, city, _pack(fields))

    async def run(self, name: str, city: str, *arguments: bytes) -> Any:
        """As `call`, for a function that takes its arguments as they are (rows and texts, engine/store/codec.py)."""
        return (await self._calls.ask([("FCALL", f"{name}_{SUFFIX}", 1, key(city, "log"), *arguments)]))[0]

    async def read(self, *command: Any) -> Any:
        """Run one plain command; raises `StoreDown`."""
        if self._reads is not None:
            return (await self._reads.ask([command]))[0]
        return await self._guard(lambda: self._redis.execute_command(*command))

    async def read_many(self, commands: Commands) -> list[Any]:
        """Several plain commands of one city in one trip."""
        if not commands:
            return []
        if self._reads is not None:
            return await self._reads.ask(commands)
        answers: list[Any] = await self._guard(lambda: self._pipelined(commands))
        return answers

    async def pool_of(self, city: str) -> Any:
        """redis-py's connections to the server that has the city's keys."""
        return self._nodes.pool(key(city, "log")) if self._nodes else self._redis.connection_pool

    async def _pipelined(self, commands: Commands) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        return list(await pipe.execute())

    async def _called(self, commands: Commands) -> list[Any]:
        """Function calls in one trip; the library is loaded again on a store that lost it."""

        answers = await self._guard(lambda: self._trip(commands))
        if any(_is_missing(a) for a in answers):
            await self._load()
            answers = await self._guard(lambda: self._trip(commands))
        return [_translate(a) for a in answers]

    async def _trip(self, commands: Commands) -> list[Any]:
        if self._nodes is not None:
            answers, confirmed = await self._nodes.trip(commands, self._confirming)
        else:
            last = self._confirming(commands[0][3])
            found = await self._lines[0].trip([*commands, *last])
            answers, confirmed = found[: len(commands)], found[len(commands) :][1:]
        least = min((n for n in confirmed if isinstance(n, int)), default=0)
        if self._replicas_ack and (least < self._replicas_ack or len(confirmed) != sum(map(_is_int, confirmed))):
            raise RedisConnectionError(f"{least} of {self._replicas_ack} replicas confirmed")
        return answers

    def _confirming(self, name: str) -> Commands:
        """A write of our own and waiting for it, when asked for: a repeated call writes nothing, and the server waits
        for what its own connection wrote."""
        if not self._replicas_ack:
            return []
        patience_ms = round(self.timeout * 400)
        return [("SET", name.partition("}")[0] + "}:acks", 1), ("WAIT", self._replicas_ack, patience_ms)]

    async def _were_read(self, commands: Commands) -> list[Any]:
        """Plain commands in one trip, their answers in the shape that redis-py gives them."""
        answers = await self._guard(lambda: self._lines[1].trip(commands))
        shapes = self._redis.response_callbacks
        return [_shaped(shapes.get(c[0]), a) for c, a in zip(commands, answers, strict=True)]

    async def _guard(self, run: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await run()
        except _AWAY as error:
            raise StoreDown(f"the store at {_without_password(self.url)} does not answer: {error}") from error

    async def _load(self) -> None:
        if isinstance(self._redis, RedisCluster):
            await self._guard(
                lambda: self._redis.execute_command(
                    "FUNCTION LOAD", "REPLACE", LIBRARY, target_nodes=RedisCluster.PRIMARIES
                )
            )
            return
        await self._guard(lambda: self._redis.execute_command("FUNCTION LOAD", "REPLACE", LIBRARY))

    async def _check_fit(self, allow_unsafe: bool) -> None:
        faults = []
        settings = await self._settings("maxmemory-policy", "maxmemory", "appendonly", "save")
        evicts = settings.get("maxmemory-policy", "noeviction") != "noeviction"
        if evicts and settings.get("maxmemory", "0") != "0":
            faults.append(f"it evicts keys (maxmemory-policy {settings['maxmemory-policy']}); set noeviction")
        if settings.get("appendonly") == "no" and not settings.get("save"):
            faults.append("it keeps nothing on disk; set appendonly yes and appendfsync always")
        if faults and not allow_unsafe:
            raise StoreUnfit(f"the store at {_without_password(self.url)} would lose orders: " + "; ".join(faults))

    async def _settings(self, *names: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in names:
            try:
                answer = await self._redis.config_get(name)
            except ResponseError:
                continue  # a managed store may forbid CONFIG; then nothing is known of this setting
            except (RedisError, OSError) as error:
                raise StoreDown(f"the store at {_without_password(self.url)} does not answer") from error
            found |= {_text(k): _text(v) for k, v in answer.items()}
        return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _shaped(shape: Callable[[Any], Any] | None, answer: Any) -> Any:
    return answer if shape is None or isinstance(answer, Exception) else shape(answer)


def _is_int(answer: Any) -> bool:
    return isinstance(answer, int)


def _is_missing(answer: Any) -> bool:
    return isinstance(answer, ResponseError) and "Function not found" in str(answer)


def _translate(answer: Any) -> Any:
    """Loading, read-only and fail-over answers mean "not now"; other errors are ours."""
    if not isinstance(answer, Exception):
        return answer
    if isinstance(answer, (*_AWAY, *_NOT_NOW)) or any(word in str(answer) for word in _NOT_NOW_WORDS):
        return StoreDown("the store is not ready to write")
    return answer


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
