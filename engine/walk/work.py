"""What walks through the steps: one call, the rules it is judged by, and what was found so far."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from engine.alerting import Engine, Plan
from engine.loop import Filing
from engine.model.call import Call, Location
from engine.model.change import Change, Claim
from engine.model.city import City
from engine.model.decision import Decision, Links
from engine.model.reading import Reading
from engine.store import calls


class TextReader(Protocol):
    """What the pipeline asks of the classifiers."""

    def read(self, text: str, *, channel: str = "110", location: Location | None = None) -> Reading:
        """The reading of one text."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules as they stand when a call comes in; swapped whole at a reload."""

    city: City
    engine: Engine
    reader: TextReader


@dataclass(slots=True)
class Work:
    """One call on its way through the steps: each writes down what it found. One walk has it for itself.

    Not frozen like the values in it: a copy at each step cost a twentieth of a decision.
    """

    call: Call
    hook: str
    digest: str
    rules: Rulebook
    now: int
    redo: bool = False
    """The call is durable already: a retried webhook, a conflict, or recovery."""
    patient: bool = True
    """Waits for an earlier call about the same thing that is being decided at this moment."""
    reading: Reading | None = None
    plan: Plan | None = None
    accepted: calls.Accepted | None = None
    links: Links = Links()
    decision: Decision | None = None
    filing: Filing | None = None
    """The dossier of a dispute's call."""
    claims: tuple[Claim, ...] = ()
    over: tuple[str, ...] = ()
    """Earlier calls about the same thing that this one does not wait for any longer."""
    change: Change = Change()
    order_id: str = ""
    answer: bytes = b""

    def again(self, *, redo: bool = False, patient: bool = True) -> "Work":
        """The same call before its second step: it was read, and any second opinion asked, once for all walks."""
        redo = self.redo or redo
        return Work(self.call, self.hook, self.digest, self.rules, self.now, redo, patient, self.reading, self.plan)

    @property
    def read(self) -> Reading:
        """The reading; the first step has set it."""
        assert self.reading is not None  # noqa: S101 - the order of STEPS guarantees it
        return self.reading

    @property
    def found(self) -> calls.Accepted:
        """The store's answer; the second step has set it."""
        assert self.accepted is not None  # noqa: S101 - the order of STEPS guarantees it
        return self.accepted


class Step(Protocol):
    """One step."""

    async def run(self, work: Work) -> None:
        """Take the work further."""


async def turn() -> None:
    """Others have their turn, before and after the long pieces of a decision: nobody else is served meanwhile."""
    await asyncio.sleep(0)


def order_id_of(call_id: str) -> str:
    """The order's id follows from the call's, so that deciding twice never makes two orders."""
    return "O" + call_id.removeprefix("C")
