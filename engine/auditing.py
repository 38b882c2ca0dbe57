"""Writing and walking the audit trail of a city. Concurrent writers, of any process, keep one chain.

Whoever looks is answered after the look is written down: no store, no look. The call centre's webhook never comes by.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from engine.errors import Conflict
from engine.model.audit import Deed, Link
from engine.model.call import Instant
from engine.privacy.chain import CUT, Chain, Walk, deed_of
from engine.store import audit
from engine.store.client import Client

_MOST_TRIES = 200
_AT_ONCE = 100
Waiting = tuple[Deed, "asyncio.Future[None]"]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk along the whole trail found."""

    fault: str
    """Names the first broken entry; empty when the trail holds."""
    count: int
    end: str
    """`<seq>:<mac>` of the newest entry: to be written down elsewhere."""


class Audit:
    """One process's pen for the trail of one city. Deeds that wait together are written together."""

    def __init__(self, client: Client, chain: Chain) -> None:
        self._client, self._chain = client, chain
        self._end: dict[str, audit.End] = {}
        self._waiting: dict[str, list[Waiting]] = {}
        self._writing: dict[str, asyncio.Task[None]] = {}

    async def note(self, city: str, deed: Deed) -> None:
        """Write one deed down; raises `StoreDown`, and then it may not be done."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(city, []).append((deed, future))
        if city not in self._writing:
            self._writing[city] = asyncio.create_task(self._write(city))
        await future

    async def _write(self, city: str) -> None:
        try:
            while batch := self._waiting[city][:_AT_ONCE]:
                del self._waiting[city][: len(batch)]
                await self._settle(city, batch)
        finally:
            del self._writing[city]

    async def _settle(self, city: str, batch: list[Waiting]) -> None:
        try:
            await self._append(city, [deed for deed, _ in batch])
        except Exception as error:  # each writer hears of it; the pen goes on
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for _, future in batch:
                if not future.done():
                    future.set_result(None)

    async def _append(self, city: str, deeds: list[Deed]) -> None:
        end = self._end.get(city) or await audit.end(self._client, city)
        for _ in range(_MOST_TRIES):
            links = self._chain.go_on(end.seq, end.mac, deeds)
            moved = await audit.append(self._client, city, end, links)
            if moved is None:
                self._end[city] = audit.End(links[-1].seq, links[-1].mac)
                return
            end = moved
        raise Conflict("the audit trail is written to by too many at once; nothing was done")

    async def verify(self, city: str, end: str = "") -> Verified:
        """Walk the whole trail; `end` is one that was written down before."""
        first, last = await audit.start(self._client, city), await audit.end(self._client, city)
        walk = Walk(self._chain, first.seq, first.mac, end=end)
        async for link in audit.links(self._client, city, first.seq):
            if link.seq > last.seq or not walk.step(link):
                break
        fault = walk.finish((last.seq, last.mac))
        return Verified(fault, walk.count, f"{walk.seq}:{walk.mac}" if walk.seq else "")

    async def show(self, city: str, *, subject: str = "", who: str = "", since: Instant = 0) -> AsyncIterator[Link]:
        """Entries of a subject, a person, or all, newest first, not older than `since`."""
        async for link in audit.newest(self._client, city):
            deed = deed_of(link)
            if deed.at < since:
                return
            if (not subject or deed.subject == subject) and (not who or deed.who == who):
                yield link

    async def older(self, city: str, before: Instant) -> tuple[int, Link | None]:
        """How many entries are older than `before`, and the last of them."""
        count, last = 0, None
        async for link in audit.links(self._client, city):
            if deed_of(link).at >= before:
                break
            count, last = count + 1, link
        return count, last

    async def cut(self, city: str, upto: Link, now: Instant, who: str) -> None:
        """Let entries up to `upto` go, and say so in the trail first."""
        await self.note(city, Deed(now, who, "", CUT, f"{upto.seq}:{upto.mac}"))
        await audit.cut(self._client, city, upto)
