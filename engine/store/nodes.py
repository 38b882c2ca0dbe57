"""A Cluster's nodes: a line of its own to each master that has a city we serve."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from engine.store.line import Commands, Line

_KEY = 3
"""Place of the key in `FCALL name 1 key arguments`."""
_LOOK_EVERY_S = 0.2


class Nodes:
    """Sends each function call to the node that has its slot. `cluster` is redis-py's, and knows the slots."""

    def __init__(self, cluster: Any, timeout_s: float) -> None:
        self._cluster = cluster
        self._timeout_s = timeout_s
        self._lines: dict[str, Line] = {}
        self._looked = 0.0

    async def trip(self, commands: Commands, confirming: Callable[[str], Commands]) -> tuple[list[Any], list[Any]]:
        """An answer for each command, and what the last command of `confirming` (for a key) said at each node.

        A slot that moved is followed once. Raises what redis-py raises when a node does not answer, after looking
        who has its slots now.
        """
        answers: list[Any] = [None] * len(commands)
        confirmed: list[Any] = []
        waiting = list(range(len(commands)))
        for again in (False, True):
            for name, numbers in self._grouped(commands, waiting).items():
                last = confirming(commands[numbers[0]][_KEY])
                found = await self._at(name, [*(commands[n] for n in numbers), *last])
                for n, answer in zip(numbers, found, strict=False):
                    answers[n] = answer
                confirmed += found[-1:] if last and not isinstance(found[0], MovedError) else []
            waiting = [n for n in waiting if isinstance(answers[n], MovedError)]
            if again or not waiting:
                break
            await self._look()
        return answers, confirmed

    def _grouped(self, commands: Commands, numbers: list[int]) -> dict[str, list[int]]:
        groups: dict[str, list[int]] = {}
        for n in numbers:
            groups.setdefault(self._name(commands[n][_KEY]), []).append(n)
        return groups

    def pool(self, key: str) -> Any:
        """redis-py's connections to the node that has a key."""
        node: Any = self._cluster.get_node_from_key(key)
        options = {k: v for k, v in node.connection_kwargs.items() if k not in ("host", "port")}
        return ConnectionPool(host=node.host, port=node.port, **options)

    def _name(self, key: str) -> str:
        node = self._cluster.get_node_from_key(key)
        if node.name not in self._lines:
            self._lines[node.name] = Line(self.pool(key), self._timeout_s)
        return str(node.name)

    async def _at(self, name: str, commands: Commands) -> list[Any]:
        try:
            return await self._lines[name].trip(commands)
        except (RedisConnectionError, RedisTimeoutError, OSError):
            await self._look()
            raise

    async def _look(self) -> None:
        """Who has which slot now; at most some times a second."""
        wait = self._looked + _LOOK_EVERY_S - time.monotonic()
        await asyncio.sleep(max(0.0, wait))
        self._looked = time.monotonic()
        try:
            await self._cluster.nodes_manager.initialize()
        except RedisError as error:
            raise RedisConnectionError(str(error)) from error

    async def close(self) -> None:
        """Let go of the connections."""
        for line in self._lines.values():
            await line.close()
