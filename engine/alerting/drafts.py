"""Alerting room: the drafting desk: checks, tests and replays a model that is being written, in another process.

The process is kept, so that a check while somebody types takes a fraction of a second; it has limits on time and
memory and is made anew when it was late, died, or the city's rules changed.
"""

import asyncio
import contextlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from engine.errors import Fault, FenliuError
from engine.model.city import City

START_S = 120.0
"""For the process to start, which it does before the first task and after one that was late."""
CHECK_S = 20.0
TEST_S = 30.0
BACKTEST_S = 300.0
_LONGEST_ANSWER = 16 << 20
T = TypeVar("T")


class DraftLate(FenliuError):
    """The model took longer than it may, or broke off what tried it; simpler conditions or fewer of them help."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the process is asked. `folder` is the folder of the models in force, `files` are archives."""

    do: Literal["check", "test", "trial", "backtest"]
    folder: str
    id: str
    text: str
    files: tuple[str, ...] = ()
    verdicts: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands on top of a model that holds together."""

    title: str
    state: str
    version: int
    author: str
    approver: str
    reason: str
    tests: int


@dataclass(frozen=True, slots=True)
class Checked:
    """Faults of the whole folder with the draft in it; the draft may be stored when there are none."""

    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    head: Head | None = None


@dataclass(frozen=True, slots=True)
class TestRun:
    """One test beside the model; `difference` is empty when it passed."""

    __test__ = False
    name: str
    difference: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """All tests of the draft, and the share (0–1) of its conditions they saw hold and fail."""

    faults: tuple[Fault, ...] = ()
    runs: tuple[TestRun, ...] = ()
    covered: float = 0.0
    half: tuple[str, ...] = ()
    """Conditions seen only one way, in words."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the draft would have done over `calls` archived calls from `first` to `last` (ms)."""

    faults: tuple[Fault, ...] = ()
    calls: int = 0
    first: int = 0
    last: int = 0
    tally: dict[str, Any] = field(default_factory=dict)
    """As `fenliu rules backtest --json` shows one model."""


class Helper:
    """One process for one kind of haste; tasks wait for each other."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._city = ""
        self._one = asyncio.Lock()

    async def ask(self, task: Task, city: City, answer: type[T], seconds: float) -> T:
        """The answer of the process. Raises `DraftLate`; the next task finds a new process."""
        async with self._one:
            try:
                async with asyncio.timeout(START_S):
                    process = await self._ready(city)
                async with asyncio.timeout(seconds):
                    line = await _asked(process, task)
            except (TimeoutError, OSError, ValueError) as error:
                await self._end()
                raise DraftLate(f"no answer within {seconds:g} s: {type(error).__name__}") from None
            except asyncio.CancelledError:
                await self._end()  # half an answer must not be read as the next one's
                raise
            if not line:
                await self._end()
                raise DraftLate("trying this model broke off the process that tried it")
            return msgspec.json.decode(line, type=answer)

    async def _ready(self, city: City) -> asyncio.subprocess.Process:
        """The process, which has read the city."""
        if self._process is None or self._process.returncode is not None or self._city != city.version:
            await self._end()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "engine.alerting.draft_process", stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2], limit=_LONGEST_ANSWER,
            )  # fmt: skip
            self._city = city.version
            await _said(self._process, msgspec.json.encode(city))
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def close(self) -> None:
        """End the process."""
        await self._end()


async def _asked(process: asyncio.subprocess.Process, task: Task) -> bytes:
    return await _said(process, msgspec.json.encode(task))


async def _said(process: asyncio.subprocess.Process, line: bytes) -> bytes:
    """What the process answers to one line; nothing when it is gone."""
    assert process.stdin and process.stdout  # noqa: S101, PT018 - both are pipes
    process.stdin.write(line + b"\n")
    await process.stdin.drain()
    return await process.stdout.readline()


class Drafts:
    """The desk: one helper for what somebody waits for while typing, one for replays."""

    def __init__(self) -> None:
        self._quick, self._slow = Helper(), Helper()

    async def check(self, folder: Path, id_: str, text: str, city: City) -> Checked:
        """The same check as `fenliu rules check`. Raises `DraftLate`."""
        return await self._quick.ask(Task("check", str(folder), id_, text), city, Checked, CHECK_S)

    async def trial(self, folder: Path, id_: str, text: str, city: City) -> Checked:
        """As `check`, and every test of every model: what must pass before a text is stored. Raises `DraftLate`."""
        return await self._quick.ask(Task("trial", str(folder), id_, text), city, Checked, TEST_S)

    async def test(self, folder: Path, id_: str, text: str, city: City) -> Tested:
        """The tests that stand in the model. Raises `DraftLate`."""
        return await self._quick.ask(Task("test", str(folder), id_, text), city, Tested, TEST_S)

    async def backtest(
        self, folder: Path, id_: str, text: str, city: City, files: list[Path], verdicts: dict[str, dict[str, str]]
    ) -> Replayed:
        """The model among those that run, over archived calls. Raises `DraftLate`."""
        task = Task("backtest", str(folder), id_, text, tuple(map(str, files)), verdicts)
        return await self._slow.ask(task, city, Replayed, BACKTEST_S)

    async def close(self) -> None:
        """End both processes."""
        await self._quick.close()
        await self._slow.close()
