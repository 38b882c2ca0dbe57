"""Console room: the API process passes on to the console process whatever is not its own.

HTTP is streamed both ways, web sockets are joined end to end. When the console is away, people get a
plain page that reloads itself; the webhook never notices.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

OWN = ("/v1", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""Paths the API answers itself; below them the console is never asked."""
CLIENT_HEADER = "x-fenliu-client"
"""Tells the console who asks; whatever the asker wrote there himself is thrown away."""
_HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_TIMEOUT = httpx.Timeout(60.0, connect=2.0)
_NOT_ASKED = _HOP_BY_HOP | {CLIENT_HEADER}
_AWAY = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>分流 · 指挥台正在启动</title>
<style>body{font:16px/1.7 system-ui,"Noto Sans CJK SC",sans-serif;display:grid;place-items:center;min-height:90vh;
margin:0;background:#f4f6f8;color:#1d2733}main{text-align:center}h1{font-size:22px;font-weight:600}
@media(prefers-color-scheme:dark){body{background:#10161d;color:#e5ebf2}}</style>
<main><h1>指挥台正在启动</h1><p>接警与派单不受影响，本页会自动刷新。</p></main></html>"""


class Forward:
    """An ASGI app: what the API has no route for goes to the console at `socket`."""

    def __init__(self, socket: Path) -> None:
        self._socket = str(socket)
        self._http: httpx.AsyncClient | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request or one web socket on."""
        path = scope["path"]
        if scope["type"] == "websocket":
            await self._join(WebSocket(scope, receive, send))
            return
        if any(path == own or path.startswith(own + "/") for own in OWN):
            raise HTTPException(404, f"no such path: {path}")
        answer = await self._ask(Request(scope, receive))
        with contextlib.suppress(httpx.HTTPError):
            await answer(scope, receive, send)

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            transport = httpx.AsyncHTTPTransport(uds=self._socket, limits=httpx.Limits(max_connections=200))
            self._http = httpx.AsyncClient(transport=transport, trust_env=False)
        return self._http

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def _ask(self, request: Request) -> Response:
        url = httpx.URL("http://console", raw_path=_target(request.scope))
        try:
            # Not the client's own `build_request`: it would add headers that nobody sent.
            asked = httpx.Request(
                request.method,
                url,
                headers=_passed_on(request),
                content=_body_of(request),
                extensions={"timeout": _TIMEOUT.as_dict()},
            )
            answer = await self._client.send(asked, stream=True)
        except (httpx.HTTPError, ClientDisconnect):
            return HTMLResponse(_AWAY, 503, {"retry-after": "2", "cache-control": "no-store"})
        streamed = StreamingResponse(_raw(answer), answer.status_code)
        streamed.raw_headers = [(k.lower(), v) for k, v in answer.headers.raw if k.decode().lower() not in _HOP_BY_HOP]
        return streamed

    async def _join(self, near: WebSocket) -> None:
        """Join both ends of a web socket; a page of another site is refused before anything is opened."""
        if not _same_site(near):
            await near.close(1008)
            return
        headers = [(k, v) for k, v in near.headers.items() if k in ("cookie", "user-agent", "origin")]
        headers.append((CLIENT_HEADER, near.client.host if near.client else ""))
        target = "ws://console" + _target(near.scope).decode("latin-1")
        try:
            far = await unix_connect(
                self._socket, target, additional_headers=headers, compression=None, max_size=None, open_timeout=5,
                user_agent_header=None, proxy=None,
            )  # fmt: skip
        except (OSError, TimeoutError, InvalidHandshake):
            await near.close(1013)
            return
        await near.accept()
        await _both_ways(near, far)


def _same_site(near: WebSocket) -> bool:
    origin = near.headers.get("origin")
    return not origin or urlsplit(origin).netloc == near.headers.get("host", "")


def _target(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string") or b""
    return path.split(b"?")[0] + (b"?" + query if query else b"")


def _passed_on(request: Request) -> list[tuple[str, str]]:
    kept = [(k, v) for k, v in request.headers.items() if k not in _NOT_ASKED]
    return [*kept, (CLIENT_HEADER, request.client.host if request.client else "")]


def _body_of(request: Request) -> AsyncIterator[bytes] | None:
    """The body as a stream; nothing for requests without one, so that they stay without one."""
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    return request.stream() if has_body else None


async def _raw(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


async def _both_ways(near: WebSocket, far: ClientConnection) -> None:
    ways = {asyncio.create_task(_outward(near, far)), asyncio.create_task(_inward(near, far))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await far.close()
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await near.close()


async def _outward(near: WebSocket, far: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            message = await near.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            await far.send(text if text is not None else message["bytes"])


async def _inward(near: WebSocket, far: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed, RuntimeError, WebSocketDisconnect):
        async for message in far:
            await (near.send_text(message) if isinstance(message, str) else near.send_bytes(message))
