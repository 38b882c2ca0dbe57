"""The call centre's side: signs the calls and sends them through the real webhook, in order, a few at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from load_tests import signing
from load_tests.api import Api, Refusal
from load_tests.bodies import wait_for_files
from load_tests.calls import SampleCall, load
from load_tests.clock import Clock

PATH = "/v1/calls"


@dataclass(slots=True)
class Sent:
    """One call sent, with what was answered."""

    call: SampleCall
    webhook_id: str
    content: str
    answer: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""
    took_s: float = 0.0


@dataclass(slots=True)
class CallCentre:
    """Sends calls. `run` makes webhook ids unique among runs against one store."""

    api: Api
    secret: str
    clock: Clock
    run: str

    async def send(self, call: SampleCall, received_at_s: float, turn: int = 0) -> Sent:
        """One signed call and its answer; a refusal is kept, not raised."""
        webhook_id = f"{self.run}-{turn}-{call.number:04d}"
        sent = Sent(call, webhook_id, call.body(received_at_s, turn))
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            sent.answer = await self.repeat(sent)
        except Refusal as refusal:
            sent.refusal = str(refusal)
        sent.took_s = loop.time() - began
        return sent

    async def repeat(self, sent: Sent) -> dict[str, Any]:
        """The same webhook again, freshly signed: the answer must be the same. Raises `Refusal`."""
        headers = self.signed(sent)
        return await self.api.post_signed(PATH, headers, sent.content.encode())

    def signed(self, sent: Sent) -> dict[str, str]:
        """The headers of one webhook, signed now."""
        return signing.headers(self.secret, sent.webhook_id, sent.content, self.clock.now())

    async def send_all(self, calls: Sequence[SampleCall], *, at_once: int) -> list[Sent]:
        """All calls as fast as the service takes them, as if they had come in over the last hours.

        In life the callers of one place ring seconds apart and a call is decided in milliseconds; so a call from a
        place waits until the one before it from there is answered. Others overlap, at most `at_once` of them.
        """
        start = self.clock.now() - max(call.after_s for call in calls)
        room = asyncio.Semaphore(at_once)
        places: dict[str, asyncio.Task[Sent]] = {}

        async def one(call: SampleCall, before: asyncio.Task[Sent] | None) -> Sent:
            if before is not None:
                await before
            async with room:
                return await self.send(call, start + call.after_s)

        tasks = []
        for call in calls:
            place = call.place or f"nowhere {call.number}"
            places[place] = asyncio.create_task(one(call, places.get(place)))
            tasks.append(places[place])
        return list(await asyncio.gather(*tasks))

    async def play(self, calls: Sequence[SampleCall], *, pace: float) -> AsyncIterator[Sent]:
        """For ever: the calls one after the other, `pace` times as fast as written, each with a fresh time."""
        turn = 0
        while True:
            before = calls[0].after_s
            for call in calls:
                await asyncio.sleep(max(0.0, call.after_s - before) / pace)
                before = call.after_s
                yield await self.send(call, self.clock.now(), turn)
            turn += 1


async def call_centre(api_url: str, data_dir: Path, run: str, *, patience_s: float = 60.0) -> CallCentre:
    """A call centre for the service at `api_url`; waits for the service's files."""
    keys = await wait_for_files(data_dir)
    return CallCentre(Api(api_url, patience_s=patience_s), keys.webhook_secret, Clock(data_dir), run)


async def play_forever(api_url: str, data_dir: Path, run: str, pace: float, said: Callable[[str], None]) -> None:
    """Play the sample calls until cancelled; `said` gets a line for people on each call (no personal data)."""
    centre = await call_centre(api_url, data_dir, run)
    try:
        async for sent in centre.play(load(), pace=pace):
            said(line_for_people(sent))
    finally:
        await centre.api.close()


def line_for_people(sent: Sent) -> str:
    """One line on one call, without its text."""
    if sent.refusal:
        return f"{sent.webhook_id} refused: {sent.refusal}"
    decision = sent.answer["decision"]
    body = (decision["body"] or {}).get("name", "—")
    alerts = "".join(f" · 预警 {alert['model']}" for alert in sent.answer["alerts"])
    return f"{sent.call.channel:>10} {decision['matter']:<10} {decision['handoff']:<10} {body}{alerts}"
