"""The transport's bounds: a request must arrive whole within a time and a size, and an answer must be read.

uvicorn bounds neither the time nor the size of a request's head, nor how long a body may drip; so it is done here,
below every route. One look a second at all connections of the process: no timer for each request, which would cost
the webhook more than all of this.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, ClassVar

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

MOST_HEAD_BYTES = 32 * 1024
"""Address and headers together; browsers and proxies send a few thousand."""
MOST_URL_BYTES = 8 * 1024
MOST_BODY_BYTES = 512 * 1024
"""Of any route: the longest is a model's text, 64,000 characters. The webhook takes less (engine/intake/body.py)."""
_LOOK_EVERY_S = 1.0
_FLUSH_S = 0.02
"""uvloop sends what was written at the end of a turn, and nothing of it when the end is said in the same turn."""
_TITLES = {400: "Bad request", 408: "Too slow", 413: "Too large", 414: "Too large", 431: "Too large"}
_SAID = {
    400: "this is not HTTP as we understand it",
    408: "the request did not arrive whole in time",
    413: f"the body is over {MOST_BODY_BYTES} bytes",
    414: f"the address is over {MOST_URL_BYTES} bytes",
    431: f"address and headers are over {MOST_HEAD_BYTES} bytes together",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much a process waits for."""

    arrive_s: float = 20.0
    """From a connection's opening, or a request's first byte, to the request's last."""
    read_s: float = 60.0
    """An answer of which nothing more is read for so long is given up."""
    linger_s: float = 2.0
    """What still comes after a refusal is thrown away for so long; its sender would else hear a reset and no words."""
    connections: int = 2_000
    """Open at once. Beyond, the one that has owed its request longest goes."""
    look_every_s: float = _LOOK_EVERY_S


class TooLargeError(Exception):
    """Stops the parser."""


class Bounded(HttpToolsProtocol):
    """One connection. What the other side owes has an age; whoever owes too long is hung up on."""

    limits: ClassVar[Limits] = Limits()
    owed: float
    """Loop time since which a request is awaited or on its way; 0 while it is our turn, or the other side rests."""
    stuck: float
    """Loop time since which nothing of an answer was taken; 0 while it flows."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], **more: Any) -> None:
        super().__init__(config, server_state, app_state, **more)
        self.owed = self.stuck = 0.0
        self._head = self._body = 0
        self._before: object = None
        self._begun = self._in_head = self._refused = False
        self._refusal = 400

    # --- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A new connection owes its first request."""
        super().connection_made(transport)
        self.owed = self.loop.time()
        if len(self.connections) > self.limits.connections:
            _slowest(self.connections, self).transport.abort()
        _watch(self.server_state, self.loop, self.limits)

    def data_received(self, data: bytes) -> None:
        """Bytes; the first ones of a request start its time."""
        if self._refused:
            return
        if not self.owed:
            self.owed = self.loop.time()
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MOST_HEAD_BYTES and not self._refused:
                self.refuse(431)

    def pause_writing(self) -> None:
        """Our answer is not being read."""
        super().pause_writing()
        self.stuck = self.loop.time()

    def resume_writing(self) -> None:
        """It is read again."""
        super().resume_writing()
        self.stuck = 0.0

    # --- the parser's words

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.owed = self.owed or self.loop.time()
        self._begun, self._before = True, self.cycle
        self._in_head, self._head, self._body = True, 0, 0

    def on_url(self, url: bytes) -> None:
        """A part of the address; raises `TooLargeError`, which stops the parser."""
        super().on_url(url)
        self._bound(len(self.url), MOST_URL_BYTES, 414)

    def on_headers_complete(self) -> None:
        """The head is here; raises `TooLargeError` before anything runs for it."""
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        self._bound(size, MOST_HEAD_BYTES, 431)
        length = next((value for name, value in self.headers if name == b"content-length"), b"")
        self._bound(int(length[:18]) if length.isdigit() else 0, MOST_BODY_BYTES, 413)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body, whether or not anybody reads it."""
        self._body += len(body)
        self._bound(self._body, MOST_BODY_BYTES, 413)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole: nothing is owed."""
        self.owed, self._begun = 0.0, False
        super().on_message_complete()

    def _bound(self, size: int, most: int, status: int) -> None:
        if size > most:
            self._refusal = status
            raise TooLargeError

    # --- refusing

    def send_400_response(self, msg: str) -> None:
        """What the parser's end leads to: said as a problem."""
        self.refuse(self._refusal)

    def refuse(self, status: int) -> None:
        """Say why, unless an answer has begun, and hang up."""
        if self.transport.is_closing():
            return
        self._refused, self.owed = True, 0.0
        if self._answering():
            self.transport.close()
            return
        self.transport.write(_problem(status))
        self.loop.call_later(_FLUSH_S, self._end)
        self.loop.call_later(self.limits.linger_s, self.transport.abort)

    def _answering(self) -> bool:
        """Whether words of ours would fall into another answer: this request's, or that of one before it."""
        last = self.cycle
        return bool(last) and (last.response_started if last is not self._before else not last.response_complete)

    def _end(self) -> None:
        if not self.transport.is_closing():
            self.transport.write_eof()

    def look(self, now: float) -> None:
        """Hang up when too much time has gone by."""
        if self.stuck and now - self.stuck > self.limits.read_s:
            self.transport.abort()
        elif self.owed and now - self.owed > self.limits.arrive_s:
            self.refuse(408) if self._begun else self.transport.close()
            self.owed = 0.0


def bounded(limits: Limits) -> type[Bounded]:
    """The protocol with these limits, for uvicorn's `http`."""
    return type("Bounded", (Bounded,), {"limits": limits})


def _slowest(connections: set[Any], new: Bounded) -> Bounded:
    """Who has owed a request longest; the new one when nobody else owes any."""
    owing = [c for c in connections if isinstance(c, Bounded) and c.owed and c is not new]
    return min(owing, key=lambda c: c.owed, default=new)


def _watch(state: ServerState, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
    """Look at all connections of a server again and again while it has any."""
    if getattr(state, "watched", False):
        return
    state.watched = True  # type: ignore[attr-defined]  # one watch for each server

    def look() -> None:
        now = loop.time()
        for connection in list(state.connections):
            if isinstance(connection, Bounded):
                connection.look(now)
        if state.connections:
            loop.call_later(limits.look_every_s, look)
        else:
            state.watched = False  # type: ignore[attr-defined]  # a mark of ours on uvicorn's state

    loop.call_later(limits.look_every_s, look)


def _problem(status: int) -> bytes:
    kind = {400: "http", 408: "too-slow"}.get(status, "too-large")
    said = {"type": f"urn:fenliu:problem:{kind}", "title": _TITLES[status], "status": status, "detail": _SAID[status]}
    too_long = {
        "where": "body",
        "what": f"is over {MOST_BODY_BYTES} bytes",
        "right": f"at most {MOST_BODY_BYTES} bytes",
    }
    body = json.dumps(said | {"faults": [too_long] if status == 413 else [], "legal": []}).encode()
    head = b"content-type: application/problem+json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    return STATUS_LINE[status] + head + body
