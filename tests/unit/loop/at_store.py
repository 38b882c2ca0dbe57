"""What the random campaigns of the loop share: their lengths, and a real store that every change goes to."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
from errands import T0
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from running import until

from engine.errors import Conflict
from engine.model.change import Change
from engine.model.city import City
from engine.model.message import LogEntry
from engine.model.units import UnitStatus
from engine.model.values import replace
from engine.store import commits, embedded, queues, units
from engine.store.client import Client
from engine.store.keys import key

T = TypeVar("T")
_entry = msgspec.json.Decoder(LogEntry).decode
LEASE_MS = 15_000
TOWN = "cj"


@dataclass(frozen=True)
class Told:
    """What the store says of an order or a dossier."""

    json: bytes
    version: int
    alarm: int | None
    line: list[LogEntry]
    units: list[str]
    """Units that have it."""
    listed: set[str]
    """Lists it stands in, of those that were asked."""


@dataclass
class Store:
    """A real store of its own, asked by two processes' connections in turn; emptied for each run."""

    url: str
    tally: Counter[str] = field(default_factory=Counter)
    """What happened over all runs, so that a campaign can say what it tried."""

    writes: int = 0
    """How often it was asked for something that may change it: only then it is looked at again."""

    def __post_init__(self) -> None:
        self._units: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._clients = (Client(self.url, timeout=60.0), Client(self.url, timeout=60.0))  # a busy machine is no fault
        self.run(self._open())

    async def _open(self) -> None:
        for client in self._clients:
            await client.open()
        # What survives a power cut is tried by tests/scenario/test_kills.py; here ten thousand stores are filled.
        await self._clients[0].read("CONFIG", "SET", "appendonly", "no")

    def run(self, asked: Awaitable[T]) -> T:
        """The loop turns only while somebody asks."""
        return self._loop.run_until_complete(asked)

    def close(self) -> None:
        for client in self._clients:
            self.run(client.close())
        self._loop.close()

    def begin(self, city: City, free: Iterable[str] = ()) -> None:
        """Nothing is in it but the city's units, of which `free` have said that they are."""
        self._units = list(free)
        self.run(self._begin(city, self._units))
        self.tally["runs"] += 1

    async def _begin(self, city: City, free: list[str]) -> None:
        client = self._clients[0]
        await client.read("FLUSHALL")
        if free:
            await units.place(client, TOWN, [city.units[name] for name in free])
            for name in free:
                await units.report(client, TOWN, name, at=T0, status=UnitStatus.FREE)

    def commit(self, change: Change, now: int, idem: str = "", answer: bytes = b"") -> bytes:
        """Raises `Conflict`."""
        self.writes += 1
        keyed = replace(change, idempotency_key=idem)
        return self.run(commits.commit(self._clients[0], TOWN, keyed, now=now, answer=answer))

    def race(self, changes: Sequence[Change], now: int) -> list[bool]:
        """All committed at once over both connections; which were taken."""

        self.writes += 1

        async def one(n: int, change: Change) -> bool:
            try:
                await commits.commit(self._clients[n % 2], TOWN, change, now=now)
            except Conflict:
                return False
            return True

        async def every() -> list[bool]:
            return list(await asyncio.gather(*(one(n, c) for n, c in enumerate(changes))))

        return self.run(every())

    def due(self, now: int) -> list[queues.Ringing]:
        """What a worker takes up, on lease."""
        self.writes += 1
        return self.run(queues.due_alarms(self._clients[1], TOWN, now, limit=50, lease=LEASE_MS))

    def told(self, kind: str, subject: str, *lists: str) -> Told:
        """A record with its line, its clock and the lists it stands in, in one trip."""
        asked = [
            ("HMGET", key(TOWN, kind, subject), "json", "v"),
            ("ZSCORE", key(TOWN, "alarms"), f"{kind}:{subject}"),
            ("LRANGE", key(TOWN, "line", subject), 0, -1),
            *(("HGET", key(TOWN, "unit", name), "order") for name in self._units),
            *(("ZSCORE", key(TOWN, name), subject) for name in lists),
        ]
        (json, version), alarm, line, *rest = self.run(self._clients[1].read_many(asked))
        having, scores = rest[: len(self._units)], rest[len(self._units) :]
        at = None if alarm is None else int(float(alarm))
        return Told(
            json,
            int(version),
            at,
            [_entry(e) for e in line],
            [name for name, order in zip(self._units, having, strict=True) if order == subject.encode()],
            {n for n, s in zip(lists, scores, strict=True) if s is not None},
        )


@contextmanager
def fresh_store(folder: Path) -> Iterator[Store]:
    """A store of a campaign's own: it is emptied again and again."""
    process = embedded.start(folder)
    try:
        until(lambda: embedded.answers(folder), 30)
        opened = Store(embedded.url(folder))
        yield opened
        opened.close()
        print("\n" + ", ".join(f"{what} {n}" for what, n in sorted(opened.tally.items())))
    finally:
        process.terminate()
        process.wait(20)


def campaign(machine: Callable[[], RuleBasedStateMachine], runs: int, steps: int) -> None:
    """So many runs of at most so many steps; a busy machine is slow, not wrong."""
    told = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(machine, settings=told)  # type: ignore[no-untyped-call]  # Hypothesis has no types here
