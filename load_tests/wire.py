"""A keep-alive HTTP/1.1 client for load: costs the machine little, so that what is measured is the service.

httpx spends about a millisecond of processor time a request; on a small machine that would be the load test's ceiling.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` of one request, 0 when the connection failed."""

    status: int
    body: bytes = b""


_FAILED = Answer(0)


class _Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer] | None = None
        self._body: list[bytes] = []

    @property
    def alive(self) -> bool:
        """Whether it may be used again."""
        return self.transport is not None and not self.transport.is_closing()

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        """Send; the future always gets an answer, never an exception."""
        self._waiter = asyncio.get_running_loop().create_future()
        self._body = []
        if self.transport is not None:
            self.transport.write(request)
        return self._waiter

    # --- asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class is not asyncio's

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._settle(_FAILED)

    def close(self) -> None:
        """Let go."""
        if self.transport is not None:
            self.transport.close()

    # --- httptools

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._body))
        keep = self._parser.should_keep_alive()
        self._parser = httptools.HttpResponseParser(self)
        if not keep:
            self.close()
        self._settle(answer)

    def _settle(self, answer: Answer) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(answer)


class Wire:
    """A pool of connections to one address; opens as many as are needed at once."""

    def __init__(self, url: str, *, timeout_s: float = 30.0) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._timeout_s = timeout_s
        self._idle: list[_Connection] = []

    async def warm(self, number: int) -> None:
        """Open connections beforehand, so that opening them is not what is measured."""
        self._idle += await asyncio.gather(*(self._open() for _ in range(number)))

    def close(self) -> None:
        """Let go of the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def request(self, path: str, headers: Mapping[str, str], content: bytes) -> bytes:
        """The bytes of one POST."""
        lines = [f"POST {path} HTTP/1.1", f"host: {self._host}:{self._port}", f"content-length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join((*lines, "", "")).encode() + content

    async def send(self, request: bytes) -> Answer:
        """The answer; status 0 when there was none (refused, cut, or nothing within the time-out)."""
        connection = await self._free()
        if connection is None:
            return _FAILED
        try:
            answer = await asyncio.wait_for(connection.ask(request), self._timeout_s)
        except TimeoutError:
            connection.close()
            return _FAILED
        if connection.alive:
            self._idle.append(connection)
        return answer

    async def _free(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.alive:
                return connection
        try:
            return await self._open()
        except OSError:
            return None

    async def _open(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port)
        return connection
