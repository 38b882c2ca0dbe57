"""One connection of its own for commands that travel together.

A pool and a pipeline object cost a sixth of a millisecond around each trip, and redis-py's reading of answers a third
of what is left: redis-py connects (addresses, passwords, TLS), then its transport is ours. Commands are packed and
answers read by hiredis; one time-out stands over the whole trip.
"""

import asyncio
from typing import Any

from hiredis import Reader, pack_command
from redis._parsers.base import BaseParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError

Commands = list[tuple[Any, ...]]
_MORE = object()
"""What hiredis says when an answer is not whole yet."""


class Line:
    """Sends some commands at once and reads their answers; one trip at a time. `pool` is redis-py's, and not typed.

    `timeout_s` is for one whole trip: connecting, sending, all answers.
    """

    def __init__(self, pool: Any, timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._wire: _Wire | None = None

    async def trip(self, commands: Commands) -> list[Any]:
        """An answer for each command, an error of the command itself among them.

        Raises what redis-py raises when the store does not answer. A connection found dead is opened anew once, as a
        pool does: stored functions may be repeated.
        """
        try:
            return await self._once(commands)
        except (RedisConnectionError, OSError):
            return await self._once(commands)

    async def _once(self, commands: Commands) -> list[Any]:
        wire, self._wire = self._wire, None  # until every answer is read, nobody else may use it
        if wire is None or wire.lost:
            wire = await self._connected()
        try:
            answers = await wire.ask(commands, self._timeout_s)
        except BaseException:
            await wire.close()
            raise
        self._wire = wire
        return answers

    async def _connected(self) -> "_Wire":
        connection = self._pool.make_connection()
        try:
            async with asyncio.timeout(self._timeout_s):
                await connection.connect()
        except TimeoutError:
            await connection.disconnect(nowait=True)
            raise RedisTimeoutError(f"no connection within {self._timeout_s} s") from None
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return _Wire(connection)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._wire is not None:
            await self._wire.close()
            self._wire = None


class _Wire(asyncio.Protocol):
    """The transport of a connection that redis-py has opened; what comes in is answers in the order of the commands."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._transport = connection._writer.transport
        self._before = self._transport.get_protocol()
        self._transport.set_protocol(self)
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(protocolError=InvalidResponse, replyError=BaseParser.parse_error, notEnoughData=_MORE)
        self._answers: list[Any] = []
        self._wanted = 0
        self._done: asyncio.Future[list[Any]] = self._loop.create_future()
        self.lost = False

    async def ask(self, commands: Commands, timeout_s: float) -> list[Any]:
        """The answers. Raises what redis-py raises when they do not come, or say that the server cannot answer now."""
        self._answers, self._wanted, self._done = [], len(commands), self._loop.create_future()
        late = self._loop.call_later(timeout_s, self._fail, RedisTimeoutError(f"no answer within {timeout_s} s"))
        self._transport.write(b"".join([pack_command(c) for c in commands]))
        try:
            answers = await self._done
        finally:
            late.cancel()
        for answer in answers:
            if isinstance(answer, RedisConnectionError):
                raise answer
        return answers

    def data_received(self, data: bytes) -> None:
        """Some bytes of answers."""
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not _MORE:
                self._answers.append(answer)
        except Exception as error:  # no answer can be told from the next any more
            self._fail(RedisConnectionError(f"not an answer: {error}"))
            return
        if len(self._answers) >= self._wanted and not self._done.done():
            self._done.set_result(self._answers)

    def connection_lost(self, error: Exception | None) -> None:
        """The other side has gone, or we have."""
        self.lost = True
        self._before.connection_lost(error)
        self._fail(RedisConnectionError(f"the store closed the connection: {error or 'without a word'}"))

    def _fail(self, error: Exception) -> None:
        if not self._done.done() and self._wanted:
            self._done.set_exception(error)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._connection.disconnect(nowait=True)
