"""Reading again and deciding again when somebody was faster."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from engine.errors import Conflict

_TRIES = 8
T = TypeVar("T")


async def again(once: Callable[[], Awaitable[T]]) -> T:
    """What `once` answers; on `Conflict` it reads and decides again, a few times, then raises it."""
    for _ in range(_TRIES - 1):
        try:
            return await once()
        except Conflict:
            continue
    return await once()
