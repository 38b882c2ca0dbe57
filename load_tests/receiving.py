"""The bodies' endpoint: believes only what is signed, answers at once, does each message once."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from load_tests import signing
from load_tests.clock import Clock
from load_tests.errands import Errands
from load_tests.personas import Cast, Persona, draw
from load_tests.record import Received, Record

WORK = frozenset({"order.sent", "order.updated", "alert.instruction"})
"""Messages that mean work for their receiver."""
_HANG_S = 12.0
"""Longer than the sender waits (10 s)."""
_FAILS: tuple[tuple[int, dict[str, str]], ...] = ((500, {}), (503, {"retry-after": "1"}), (429, {"retry-after": "2"}))


@dataclass(slots=True)
class Receiver:
    """One process that plays every body of the city."""

    secrets: dict[str, str]
    cast: Cast
    clock: Clock
    record: Record
    errands: Errands

    async def take(self, request: Request) -> Response:
        """`POST /bodies/{body}`."""
        body, raw = request.path_params["body"], await request.body()
        text = raw.decode("utf-8")
        secret = self.secrets.get(body)
        wrong = signing.fault(secret, request.headers, text, self.clock.now()) if secret else "no such body"
        if wrong:
            self.record.unbelieved[wrong] += 1
            return JSONResponse({"detail": wrong}, 401)
        message = self._entered(body, request.headers["webhook-id"], text)
        refusal = await self._refusal(message)
        if refusal is not None:
            return refusal
        message.accepted += 1
        if message.accepted == 1 and message.type in WORK:
            self.errands.begin(body, message.subject)
        return Response(status_code=204)

    def _entered(self, body: str, webhook_id: str, text: str) -> Received:
        """The message in the record; a repeated id is the same message."""
        sent = json.loads(text)
        data: dict[str, Any] = sent["data"]
        subject = data.get("order_id") or data.get("alert_id") or ""
        digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        message = self.record.messages.get(webhook_id)
        if message is None:
            persona = self.cast.persona(body, subject, alert=bool(data.get("alert_id"))) if subject else Persona.PROMPT
            message = Received(
                webhook_id=webhook_id,
                body=body,
                type=sent["type"],
                subject=subject,
                version=int(data.get("version", 0)),
                holder=(data.get("body") or {}).get("id", ""),
                at=self.clock.now(),
                alert_id=data.get("alert_id") or "",
                persona=persona.value,
                digest=digest,
            )
            self.record.messages[webhook_id] = message
        message.tries += 1
        message.changed = message.changed or message.digest != digest
        return message

    async def _refusal(self, message: Received) -> Response | None:
        """What a faulty body answers instead of 2xx."""
        if message.persona == Persona.DEAD:
            return JSONResponse({"detail": "out of order"}, 503)
        if message.persona == Persona.FAILING and message.tries <= self.cast.failures(message.body, message.subject):
            kind = int(draw(self.cast.seed, "fail", message.webhook_id, str(message.tries)) * len(_FAILS))
            status, headers = _FAILS[kind]
            return JSONResponse({"detail": "try again"}, status, headers)
        if message.persona == Persona.HANGING and message.tries == 1:
            await asyncio.sleep(_HANG_S)
            return JSONResponse({"detail": "too late"}, 500)
        return None


def make_app(receiver: Receiver, state: dict[str, Any], **more: Any) -> Starlette:
    """The application: messages in, the record out. `state` is shown beside the record (looks of the room)."""

    async def record(_: Request) -> JSONResponse:
        return JSONResponse(receiver.record.view() | {name: value() for name, value in state.items()})

    async def progress(_: Request) -> JSONResponse:
        found = receiver.record
        shown = {"busy": found.busy, "messages": len(found.messages), "dead": found.dead}
        return JSONResponse(shown | {name: value() for name, value in state.items()})

    routes = [
        Route("/bodies/{body}", receiver.take, methods=["POST"]),
        Route("/record", record),
        Route("/progress", progress),
    ]
    return Starlette(routes=routes, **more)
