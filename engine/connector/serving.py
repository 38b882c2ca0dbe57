"""The connector's process: a small server between Fenliu and the other system. It keeps nothing: both sides repeat.

A message is acknowledged once the other system took it, and a callback once Fenliu took it; what failed in between
comes again from whoever sent it, under the same key.
"""

import hmac
import json
import os
import string
import time
from collections.abc import Mapping

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.connector.mapping import event_of, request_of
from engine.connector.schema import ConnectorFile
from engine.errors import Fault, Refused
from engine.model.webhook import fault, key_of

_MOST_BYTES = 262_144


def filled(text: str, environ: Mapping[str, str]) -> str:
    """`{NAME}` replaced by the environment variable. Raises `Refused` naming one that is not set."""
    names = [name for _, name, _, _ in string.Formatter().parse(text) if name]
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise Refused(*(Fault(name, "is not set", "an environment variable") for name in missing))
    return text.format(**{name: environ[name] for name in names})


class Connector:
    """Both directions of one table."""

    def __init__(self, file: ConnectorFile, environ: Mapping[str, str] = os.environ) -> None:
        self._file = file
        self._keys = tuple(key_of(s) for s in filled(file.fenliu.secret, environ).split())
        self._guard = filled(file.callback.equals, environ)
        self._ours = httpx.AsyncClient(
            base_url=filled(file.fenliu.api, environ),
            headers={"authorization": f"Bearer {filled(file.fenliu.token, environ)}"},
            timeout=8.0,
            trust_env=False,
        )
        headers = {name: filled(text, environ) for name, text in file.theirs.headers.items()}
        self._theirs = httpx.AsyncClient(
            base_url=filled(file.theirs.api, environ), headers=headers, timeout=8.0, trust_env=False
        )

    async def take_message(self, request: Request) -> Response:
        """A signed message of ours: becomes their call."""
        raw = await _limited(request)
        wrong = fault(self._keys, dict(request.headers), raw, int(time.time()))
        if wrong:
            return JSONResponse({"detail": wrong}, 401)
        asked = request_of(self._file, json.loads(raw))
        if asked is None:
            return Response(status_code=204)
        key = {"idempotency-key": request.headers["webhook-id"]}
        answer = await self._theirs.request(asked.method, asked.path, json=asked.body, headers=key)
        return Response(status_code=204 if answer.is_success else _passed_on(answer.status_code))

    async def take_callback(self, request: Request) -> Response:
        """A callback of theirs: becomes an event on our order."""
        given = request.headers.get(self._file.callback.header, "") if self._file.callback.header else ""
        if self._guard and not hmac.compare_digest(given.encode(), self._guard.encode()):
            return JSONResponse({"detail": f"{self._file.callback.header} is not right"}, 401)
        try:
            told = event_of(self._file.callback, json.loads(await _limited(request)))
        except (Refused, ValueError, RecursionError) as error:
            return JSONResponse({"detail": str(error)}, 422)
        headers = {"idempotency-key": told.key} if told.key else {}
        answer = await self._ours.post(f"/v1/orders/{told.order_id}/events", json=told.event, headers=headers)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    def app(self) -> Starlette:
        """The server."""
        routes = [
            Route(self._file.receive, self.take_message, methods=["POST"]),
            Route(self._file.callback.path, self.take_callback, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={httpx.HTTPError: _away, Refused: _too_large})


async def _limited(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Refused(Fault("body", "is too large", f"at most {_MOST_BYTES} bytes"))
    return bytes(body)


def _passed_on(status: int) -> int:
    """Their refusal is ours; what may get better is asked again."""
    return 422 if 400 <= status < 500 and status not in (408, 425, 429) else 503


async def _too_large(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, 413)


async def _away(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": type(error).__name__}, 503, headers={"retry-after": "2"})
