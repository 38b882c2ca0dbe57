"""The audit trail's chain: each entry's keyed hash covers the entry before it. Pure.

HMAC-SHA256 under a key that follows from the city's privacy key: who can write in the store but has not the key can
neither change an entry nor make the rest fit again. What a chain cannot show is that its newest end was cut off; for
that an officer writes the end down elsewhere (`fenliu audit verify` prints it, `--end` asks for it).
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from engine.model.audit import Deed, Link

CUT = "audit.cut"
"""What the entry says that lets older entries go: its subject is `<seq>:<mac>` of the last that went."""
_deeds = msgspec.json.Decoder(Deed)


class Chain:
    """Holds the key (32 bytes, the city's privacy key)."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.new(key, b"fenliu audit", hashlib.sha256).digest()

    def mac(self, before: str, seq: int, text: str) -> str:
        """The keyed hash of one entry, 64 hex digits; `before` is the mac of the entry before, empty for the first."""
        return hmac.new(self._key, f"{before}\n{seq}\n{text}".encode(), hashlib.sha256).hexdigest()

    def go_on(self, seq: int, before: str, deeds: Iterable[Deed]) -> list[Link]:
        """Deeds as the links that follow entry number `seq` with mac `before`."""
        links = []
        for deed in deeds:
            seq, text = seq + 1, msgspec.json.encode(deed).decode()
            before = self.mac(before, seq, text)
            links.append(Link(seq, text, before))
        return links


@dataclass(slots=True)
class Walk:
    """A walk along the chain from its first kept entry; `fault` names the first broken one."""

    chain: Chain
    seq: int = 0
    """Number of the entry walked last; at the start that of the last one that was let go, 0 when none was."""
    mac: str = ""
    fault: str = ""
    count: int = 0
    passed: bool = False
    """The end that somebody wrote down was met."""
    end: str = ""
    """`<seq>:<mac>` that somebody wrote down."""
    _excused: bool = False
    _start: str = ""

    def __post_init__(self) -> None:
        self._start = f"{self.seq}:{self.mac}"
        self._excused = self.seq == 0 and not self.mac
        self.passed = not self.end or self.end == self._start

    def step(self, link: Link) -> bool:
        """Walk over one entry; False when the chain is broken there."""
        if link.seq != self.seq + 1:
            self.fault = f"after entry {self.seq} comes entry {link.seq}: entries are missing"
        elif self.chain.mac(self.mac, link.seq, link.text) != link.mac:
            self.fault = f"entry {link.seq} does not fit the one before it: it or its hash was changed"
        if self.fault:
            return False
        self.seq, self.mac, self.count = link.seq, link.mac, self.count + 1
        deed = deed_of(link)
        self._excused |= deed.what == CUT and deed.subject == self._start
        self.passed |= self.end == f"{self.seq}:{self.mac}"
        return True

    def finish(self, head: tuple[int, str]) -> str:
        """The fault of the whole chain, empty when it holds; `head` is where the store says that it ends."""
        if not self.fault and (self.seq, self.mac) != head:
            self.fault = f"the trail ends at entry {self.seq}, and the store says it ends at {head[0]}"
        if not self.fault and not self._excused:
            self.fault = (
                f"the trail begins after {self._start.partition(':')[0]} and no entry says that older ones may go"
            )
        if not self.fault and not self.passed:
            self.fault = f"the end written down, {self.end[:24]}…, is not in the trail: its newest part was cut off"
        return self.fault


def deed_of(link: Link) -> Deed:
    """What a link says."""
    return _deeds.decode(link.text)
