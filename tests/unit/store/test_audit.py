"""The audit trail in the real store: several writers, one chain."""

import asyncio

from engine.auditing import Audit
from engine.model.audit import Deed
from engine.privacy.chain import Chain, deed_of
from engine.store import audit
from engine.store.client import Client
from engine.store.keys import key

CHAIN = Chain(bytes(range(32)))


def look(n: int, who: str = "officer") -> Deed:
    return Deed(1000 + n, who, "officer", "look.order", f"O{n}")


async def test_writers_that_do_not_know_of_each_other_keep_one_chain(client: Client, town: str) -> None:
    pens = [Audit(client, CHAIN) for _ in range(4)]
    await asyncio.gather(*(pen.note(town, look(n, f"w{w}")) for w, pen in enumerate(pens) for n in range(60)))
    found = await pens[0].verify(town)
    assert (found.fault, found.count) == ("", 240)
    assert len({(deed_of(e).who, deed_of(e).subject) async for e in audit.links(client, town)}) == 240


async def test_a_repeated_write_stands_there_once(client: Client, town: str) -> None:
    """A connection that broke after the store had written: the same call comes again."""
    links = CHAIN.go_on(0, "", [look(1), look(2)])
    assert await audit.append(client, town, audit.End(), links) is None
    assert await audit.append(client, town, audit.End(), links) is None
    assert (await Audit(client, CHAIN).verify(town)).count == 2


async def test_a_changed_entry_is_named(client: Client, town: str) -> None:
    pen = Audit(client, CHAIN)
    for n in range(5):
        await pen.note(town, look(n))
    await client.read("XDEL", key(town, "audit"), "3-0")
    assert "after entry 2 comes entry 4" in (await pen.verify(town)).fault


async def test_entries_are_found_by_subject_person_and_time(client: Client, town: str) -> None:
    pen = Audit(client, CHAIN)
    for n in range(6):
        await pen.note(town, look(n % 3, "a" if n < 3 else "b"))
    assert [e.seq async for e in pen.show(town, subject="O1")] == [5, 2]
    assert [e.seq async for e in pen.show(town, who="a")] == [3, 2, 1]
    assert [e.seq async for e in pen.show(town, since=1002)] == [6]


async def test_old_entries_go_and_the_trail_says_so(client: Client, town: str) -> None:
    pen = Audit(client, CHAIN)
    for n in range(6):
        await pen.note(town, look(n))
    count, last = await pen.older(town, 1004)
    assert (count, last and last.seq) == (4, 4)
    assert last is not None
    await pen.cut(town, last, 2000, "keeper")
    assert [e.seq async for e in audit.links(client, town)] == [5, 6, 7]
    assert (await pen.verify(town)).fault == ""
