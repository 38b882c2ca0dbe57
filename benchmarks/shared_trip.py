"""Store calls that wait together in one pipeline, as plainly as it can be written; for the floor only."""

import asyncio
from typing import Any

from redis.asyncio import Redis

Waiting = tuple[tuple[Any, ...], "asyncio.Future[Any]"]


class SharedTrip:
    """Sends what waits, one pipeline at a time."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._send_forever())

    def stop(self) -> None:
        """End."""
        if self._task:
            self._task.cancel()

    async def call(self, command: tuple[Any, ...]) -> Any:
        """The answer of one command."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        self._wake.set()
        return await future

    async def _send_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            pipe = self._redis.pipeline(transaction=False)
            for command, _ in batch:
                pipe.execute_command(*command)
            for (_, future), answer in zip(batch, await pipe.execute(), strict=True):
                future.set_result(answer)
