"""The desk that figures are asked at: one process beside, started at the first question, one question at a time.

It has its own connection to the store and its own cores' worth of politeness: lowest priority, two threads, bounded
memory. A question that would wait behind too many others is refused (`Busy`), one that takes too long is given up.
"""

import asyncio
import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import Busy
from engine.figuring import Reading
from engine.gathering import Gatherer
from engine.history import History
from engine.model.city import City
from engine.reports import facts
from engine.store.client import Client

T = TypeVar("T")
_MOST_WAITING = 8
_TIMEOUT_S = 120.0
_PR_SET_PDEATHSIG = 1


class Desk:
    """Asks questions of `figuring` for one process. `url` is the store, `folder` the history."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._pool: ProcessPoolExecutor | None = None
        self._waiting = 0

    async def ask(self, city: City, question: Callable[..., T], *values: Any) -> T:
        """What `question(reading, *values)` answers. Raises `Busy`, and what the question raises."""
        if self._waiting >= _MOST_WAITING:
            raise Busy("too many questions about figures are waiting; ask again in a moment")
        self._waiting += 1
        try:
            answer: T = await asyncio.wait_for(self._submit(city, question, values), _TIMEOUT_S)
        except TimeoutError:
            self.close()
            raise Busy("this question took too long and was given up; ask about a shorter range") from None
        except BrokenProcessPool:
            self.close()
            raise Busy("the process that works out figures ended; ask again") from None
        finally:
            self._waiting -= 1
        return answer

    async def _submit(self, city: City, question: Callable[..., T], values: tuple[Any, ...]) -> T:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, _start, (self._url, str(self._folder), os.getpid()))
        return await asyncio.get_running_loop().run_in_executor(self._pool, _answer, city, question, values)

    def close(self) -> None:
        """End the process beside; the next question starts another."""
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)


class _Here:
    """What the process beside keeps between questions."""

    loop: asyncio.AbstractEventLoop
    client: Client
    history: History
    gatherer: Gatherer | None = None


def _start(url: str, folder: str, parent: int) -> None:
    """Initialise the process beside: it goes with its parent, leaves Ctrl-C to it, and lets everybody go before."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    _Here.loop = asyncio.new_event_loop()
    _Here.client = Client(url, timeout=30.0)
    _Here.history = History(Path(folder), facts.COLUMNS)
    _Here.loop.run_until_complete(_Here.client.open(allow_unsafe=True))


def _answer(city: City, question: Callable[..., T], values: tuple[Any, ...]) -> T:
    if _Here.gatherer is None or _Here.gatherer.city.version != city.version:
        _Here.gatherer = Gatherer(_Here.client, city)
    live = _Here.loop.run_until_complete(_Here.gatherer.rows())
    return question(Reading(city, _Here.history, live), *values)
