"""The audit trail in the store: a stream whose entries are numbered without gaps, and where it ends."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from engine.model.audit import Link
from engine.store.client import Client
from engine.store.codec import fields_of
from engine.store.keys import key

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class End:
    """Where the trail ends: number and mac of its last entry; 0 and empty before the first."""

    seq: int = 0
    mac: str = ""


async def end(client: Client, city: str) -> End:
    """Where the trail ends now."""
    seq, mac = await client.read("HMGET", key(city, "audit:end"), "seq", "mac")
    return End(int(seq or 0), (mac or b"").decode())


async def start(client: Client, city: str) -> End:
    """The last entry that was let go; 0 and empty when the trail is whole."""
    seq, mac = await client.read("HMGET", key(city, "audit:end"), "cut", "cut_mac")
    return End(int(seq or 0), (mac or b"").decode())


async def append(client: Client, city: str, after: End, links: Sequence[Link]) -> End | None:
    """Write `links` after `after`; None when they stand there. Where the trail ends now, when it goes on elsewhere.

    All or nothing; repeating it writes nothing twice.
    """
    rows = [{"j": link.text, "h": link.mac} for link in links]
    said, seq, mac = await client.call("chain", city, seq=after.seq, mac=after.mac, rows=rows)
    return None if said == b"ok" else End(int(seq), mac.decode())


async def cut(client: Client, city: str, upto: Link) -> None:
    """Let every entry up to and with `upto` go; an entry saying so must stand in the trail already."""
    await client.call("cut_chain", city, seq=upto.seq, mac=upto.mac)


async def links(client: Client, city: str, after: int = 0) -> AsyncIterator[Link]:
    """Entries with a number above `after`, oldest first."""
    while True:
        rows = await client.read("XRANGE", key(city, "audit"), f"({after}-0" if after else "-", "+", "COUNT", _PAGE)
        for row in rows:
            yield _link(row)
        if len(rows) < _PAGE:
            return
        after = _link(rows[-1]).seq


async def newest(client: Client, city: str) -> AsyncIterator[Link]:
    """Entries, newest first."""
    before = "+"
    while True:
        rows = await client.read("XREVRANGE", key(city, "audit"), before, "-", "COUNT", _PAGE)
        for row in rows:
            yield _link(row)
        if len(rows) < _PAGE:
            return
        before = f"({_link(rows[-1]).seq}-0"


def _link(row: tuple[bytes, list[bytes] | dict[bytes, bytes]]) -> Link:
    number, found = row
    fields = fields_of(found)
    return Link(int(number.split(b"-")[0]), fields[b"j"].decode(), fields[b"h"].decode())
