"""Commands that wait together share a trip: while one is under way, what is asked meanwhile waits for the next."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from engine.store.line import Commands

_MOST_AT_ONCE = 128
"""Commands in one trip; what one caller asks for together is never torn apart."""
Waiting = tuple[Commands, "asyncio.Future[list[Any]]"]


class Lane:
    """One trip at a time. `trip` answers each command, with an exception where the command itself failed."""

    def __init__(self, trip: Callable[[Commands], Awaitable[list[Any]]]) -> None:
        self._trip = trip
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

    def open(self, name: str) -> None:
        """Start sending."""
        self._sender = asyncio.create_task(self._send_forever(), name=name)

    def close(self) -> None:
        """Stop sending."""
        if self._sender:
            self._sender.cancel()

    async def ask(self, commands: Commands) -> list[Any]:
        """The answers, in order. Raises what the trip or the first failed command raised."""
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((commands, future))
        self._wake.set()
        return await future

    async def _send_forever(self) -> None:
        while True:
            await self._wake.wait()
            batch = self._next()
            if not self._waiting:
                self._wake.clear()
            await self._send(batch)

    def _next(self) -> list[Waiting]:
        size = n = 0
        while n < len(self._waiting) and size < _MOST_AT_ONCE:
            size += len(self._waiting[n][0])
            n += 1
        batch, self._waiting = self._waiting[:n], self._waiting[n:]
        return batch

    async def _send(self, batch: list[Waiting]) -> None:
        try:
            answers = await self._trip([command for commands, _ in batch for command in commands])
        except Exception as error:  # the sender must outlive whatever one trip met
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        at = 0
        for commands, future in batch:
            _hand_over(future, answers[at : at + len(commands)])
            at += len(commands)


def _hand_over(future: "asyncio.Future[list[Any]]", answers: list[Any]) -> None:
    if future.done():  # whoever asked has gone
        return
    failed = next((a for a in answers if isinstance(a, Exception)), None)
    if failed is not None:
        future.set_exception(failed)
    else:
        future.set_result(answers)
