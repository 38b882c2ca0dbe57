"""The ordered list of steps one call takes (engine/walk).

Two store calls a phone call: `Accept` makes it durable and answers links and windows; `Commit` writes the
whole decision. A crash in between is found by recovery, which walks the same list again.
"""

import asyncio
import random
from collections.abc import Callable

from engine import tracing
from engine.errors import Busy, Conflict
from engine.opinions import Opinions
from engine.store.client import Client
from engine.walk.closing import Alert, Commit
from engine.walk.deciding import File, Open, Route
from engine.walk.taking import Accept, Read, link_facts, unreadable
from engine.walk.tying import Link, earlier
from engine.walk.work import Rulebook, Step, TextReader, Work, order_id_of

__all__ = ["Pipeline", "Rulebook", "TextReader", "Work", "earlier", "link_facts", "order_id_of", "unreadable"]

_MOST_CONFLICTS = 12
"""Walks of one call; the waits between them, a few milliseconds at first, add up to about 1.2 seconds."""


class Traced:
    """A step with a span around it; the last one is the order's, and its messages are children of it."""

    def __init__(self, step: Step) -> None:
        self._step, self._name = step, type(step).__name__.lower()

    async def run(self, work: Work) -> None:
        """As the step does."""
        opens = self._name == "commit" and work.order_id
        with tracing.span("order" if opens else self._name, call_id=work.call.call_id, order_id=work.order_id):
            await self._step.run(work)


class Pipeline:
    """Walks a call through the steps; a conflict at the end walks it again from the start.

    Without `opinions` (recovery) an unsure call goes to a person as the classifier says.
    """

    def __init__(self, client: Client, opinions: Opinions | None = None) -> None:
        steps: tuple[Step, ...] = (
            Read(opinions),
            Accept(client),
            Link(),
            Route(),
            File(client),
            Open(client),
            Alert(client),
            Commit(client),
        )
        self.steps = tuple(map(Traced, steps)) if tracing.on() else steps

    async def run(self, work: Work, *, without: Callable[[Work], Work] | None = None) -> bytes:
        """The answer to the call. Raises what the steps raise, with nothing half written.

        `without` changes the work after reading: recovery uses it to send a poisoned call to a person.
        """
        for attempt in range(_MOST_CONFLICTS):
            try:
                return await self._walk(work, without)
            except Conflict:
                await asyncio.sleep(min(0.004 * 1.6**attempt, 0.25) * random.uniform(0.5, 1.5))
                work = work.again(redo=True, patient=attempt < _MOST_CONFLICTS - 2)
        raise Busy(f"call {work.call.call_id} is durable and still being decided: send the same webhook again")

    async def _walk(self, work: Work, without: Callable[[Work], Work] | None) -> bytes:
        for n, step in enumerate(self.steps):
            await step.run(work)
            if work.answer:
                return work.answer
            if without is not None and n == 0:  # the call has been read
                work = without(work)
        return work.answer
