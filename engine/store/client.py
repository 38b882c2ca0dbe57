"""The connection: one code path for embedded, standalone and Cluster; calls that wait together share a trip."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from engine.errors import StoreDown, StoreUnfit
from engine.store.keys import key
from engine.store.line import Line

_LUA = (Path(__file__).parent / "functions.lua").read_text(encoding="utf-8")
SUFFIX = hashlib.blake2b(_LUA.encode(), digest_size=5).hexdigest()
LIBRARY = _LUA.replace("@LIBRARY@", f"fenliu_{SUFFIX}").replace("@SUFFIX@", SUFFIX)
_MOST_AT_ONCE = 64
_pack = msgspec.msgpack.Encoder().encode

Waiting = tuple[tuple[Any, ...], "asyncio.Future[Any]"]


class Client:
    """Sends functions and reads. All failures to reach the store become `StoreDown`.

    Function calls made while a trip is under way wait together and share the next pipeline: the
    server then flushes its log to disk once for all of them.
    """

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self.url = url
        self.timeout = timeout
        self._redis: Any = None
        self._line: Line | None = None
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

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
        else:
            self._redis, self._line = plain, Line(plain.connection_pool)
        await self._check_fit(allow_unsafe)
        await self._load()
        self._sender = asyncio.create_task(self._send_forever(), name="store-sender")

    async def close(self) -> None:
        """Let go of the connection."""
        if self._sender:
            self._sender.cancel()
        if self._line is not None:
            await self._line.close()
        if self._redis is not None:
            await self._redis.aclose()

    async def call(self, name: str, city: str, **fields: Any) -> Any:
        """Run one stored function on one city's slot; raises `StoreDown`."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        packed = _pack(fields)
        self._waiting.append((("FCALL", f"{name}_{SUFFIX}", 1, key(city, "log"), packed), future))
        self._wake.set()
        return await future

    async def read(self, *command: Any) -> Any:
        """Run one plain command; raises `StoreDown`."""
        return await self._guard(lambda: self._redis.execute_command(*command))

    async def read_many(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """Several plain commands of one city in one trip."""
        if not commands:
            return []

        async def run() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            return list(await pipe.execute())

        answers: list[Any] = await self._guard(run)
        return answers

    async def _send_forever(self) -> None:
        while True:
            await self._wake.wait()
            batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
            if not self._waiting:
                self._wake.clear()
            await self._send(batch)

    async def _send(self, batch: list[Waiting]) -> None:
        try:
            answers = await self._answers([command for command, _ in batch])
        except Exception as error:  # the sender must outlive whatever one trip met
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _answers(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        async def run() -> list[Any]:
            if self._line is not None:
                return await self._line.trip(commands)
            pipe = self._redis.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            return list(await pipe.execute(raise_on_error=False))

        answers = await self._guard(run)
        if any(_is_missing(a) for a in answers):
            await self._load()
            answers = await self._guard(run)
        return [_translate(a) for a in answers]

    async def _guard(self, run: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await run()
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            raise StoreDown(f"the store at {_without_password(self.url)} does not answer") from error

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


def _is_missing(answer: Any) -> bool:
    return isinstance(answer, ResponseError) and "Function not found" in str(answer)


def _translate(answer: Any) -> Any:
    """Loading, read-only and fail-over answers mean "not now"; other errors are ours."""
    if not isinstance(answer, Exception):
        return answer
    words = str(answer)
    passing = ("LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "MISCONF", "OOM", "loading")
    if isinstance(answer, RedisConnectionError | RedisTimeoutError) or any(w in words for w in passing):
        return StoreDown("the store is not ready to write")
    return answer


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
