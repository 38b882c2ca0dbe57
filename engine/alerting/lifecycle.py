"""Alerting room: the life of a model between people: which moves are legal for whom, and what each makes of the text.

A live model is never changed by one person: its new text waits as a proposal until somebody else approves it. Pure.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b

from engine.alerting import rewriting
from engine.model.call import Instant
from engine.model.message import LogEntry


class ModelMove(StrEnum):
    """What can be done to a model beside writing it."""

    SHADOW = "shadow"
    """A draft or retired model runs in shadow: counted, nobody told."""
    DRAFT = "draft"
    """A model in shadow rests."""
    PROPOSE = "propose"
    """Ask for a model in shadow to go live."""
    APPROVE = "approve"
    """A second person puts the proposed text in force."""
    REJECT = "reject"
    """The proposal is dropped; its own author may take it back."""
    FALL_BACK = "fall_back"
    """A live model runs in shadow from now on: one officer may, because noise cannot wait."""
    RETIRE = "retire"
    """Kept, never run."""


LEADS: dict[ModelMove, tuple[frozenset[str], str]] = {
    ModelMove.SHADOW: (frozenset({"draft", "retired"}), "shadow"),
    ModelMove.DRAFT: (frozenset({"shadow"}), "draft"),
    ModelMove.PROPOSE: (frozenset({"shadow"}), "live"),
    ModelMove.FALL_BACK: (frozenset({"live"}), "shadow"),
    ModelMove.RETIRE: (frozenset({"draft", "shadow"}), "retired"),
}
"""Move → states it is legal from, state it leads to."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text that waits for a second person."""

    text: str
    by: str
    at: Instant
    reason: str
    base: str
    """Digest of the file it was made from; when the file is another, the proposal is out of date."""

    @property
    def digest(self) -> str:
        """What an approver names, so that nobody approves what they have not seen."""
        return digest_of(self.text)


@dataclass(frozen=True, slots=True)
class Model:
    """One model as it stands on disk, what waits for it, and what was done to it."""

    id: str
    text: str
    proposal: Proposal | None = None
    line: tuple[LogEntry, ...] = field(default=())

    @property
    def digest(self) -> str:
        """Names this text; a save names the text it was made from."""
        return digest_of(self.text)

    @property
    def state(self) -> str:
        """`draft`, `shadow`, `live` or `retired`."""
        return rewriting.word(self.text, "state")

    @property
    def authors(self) -> frozenset[str]:
        """Who may not approve what waits: who wrote it and who asked for it."""
        waits = self.proposal
        return frozenset({waits.by, rewriting.word(waits.text, "author")}) if waits else frozenset()

    def legal(self, who: str, *, decides: bool) -> tuple[ModelMove, ...]:
        """The moves `who` may make now; `decides`: their role may approve, reject and take back."""
        fall = (ModelMove.FALL_BACK,) if decides and self.state == "live" else ()
        if self.proposal is None:
            return tuple(m for m, (s, _) in LEADS.items() if self.state in s and m is not ModelMove.FALL_BACK) + fall
        own = who in self.authors
        approve = (ModelMove.APPROVE,) if decides and not own else ()
        return approve + ((ModelMove.REJECT,) if own or decides else ()) + fall


def digest_of(text: str) -> str:
    """A short name of a text."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def in_state(text: str, state: str) -> str:
    """The text in a state that needs no approver. Raises `Refused` as `rewriting` does."""
    return rewriting.without_word(rewriting.with_word(text, "state", state, after="title"), "approver")


def signed(text: str, current: str | None, who: str, state: str) -> str:
    """What is stored of a text that `who` wrote: their name, the next version, nobody's approval."""
    before, wanted = _number(current or ""), _number(text)
    made = rewriting.with_word(in_state(text, state), "version", max(wanted, before + 1), after="state")
    return rewriting.with_word(made, "author", who, after="version")


def approved(text: str, who: str) -> str:
    """The text with the second person's name."""
    return rewriting.with_word(rewriting.without_word(text, "approver"), "approver", who)


def _number(text: str) -> int:
    written = rewriting.word(text, "version")
    return int(written) if written.isascii() and written.isdigit() and len(written) < 7 else 0
