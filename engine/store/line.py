"""One connection of its own for commands that travel together.

A pool and a pipeline object cost a sixth of a millisecond around each trip, more than what travels; the connection
underneath them (addresses, passwords, TLS, the parser) is the same one. Commands are packed by hiredis, which takes a
tenth of the time that redis-py's own packing takes, and one time-out stands over the whole trip.
"""

import asyncio
import math
from typing import Any

from hiredis import pack_command
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

Commands = list[tuple[Any, ...]]


class Line:
    """Sends some commands at once and reads their answers; one trip at a time. `pool` is redis-py's, and not typed.

    `timeout_s` is for one whole trip: connecting, sending, all answers.
    """

    def __init__(self, pool: Any, timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._connection: Any = None

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
        connection = self._connection or self._pool.make_connection()
        self._connection = None  # until every answer is read, nobody else may use it
        try:
            async with asyncio.timeout(self._timeout_s):
                if not connection.is_connected:
                    await connection.connect()
                connection.socket_timeout = None  # redis-py would start a task of its own around each sending
                await connection.send_packed_command([pack_command(c) for c in commands], check_health=False)
                answers: list[Any] = []
                for _ in commands:
                    try:
                        answers.append(await connection.read_response(timeout=math.inf))
                    except ResponseError as error:
                        answers.append(error)
        except TimeoutError:
            await connection.disconnect(nowait=True)
            raise RedisTimeoutError(f"no answer within {self._timeout_s} s") from None
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._connection = connection
        return answers

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)
            self._connection = None
