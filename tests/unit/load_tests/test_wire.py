"""The load test's own client against a real server: keeps connections, and says when there was no answer."""

import asyncio
from collections.abc import Awaitable, Callable

from load_tests.own import free_port
from load_tests.wire import Wire

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return await reader.readexactly(size)


async def with_server(talk: Talk, *requests: bytes, timeout_s: float = 5.0) -> list[tuple[int, bytes]]:
    port = free_port()
    server = await asyncio.start_server(talk, "127.0.0.1", port)
    wire = Wire(f"http://127.0.0.1:{port}", timeout_s=timeout_s)
    found = []
    async with server:
        for one in requests:
            answer = await wire.send(wire.request("/v1/calls", {"a": "b"}, one))
            found.append((answer.status, answer.body))
        wire.close()
    return found


async def test_one_connection_serves_many_requests() -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while not reader.at_eof():
            try:
                body = await _request(reader)
            except asyncio.IncompleteReadError:
                break
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    assert await with_server(talk, b"one", b"two", b"three") == [(200, b"one"), (200, b"two"), (200, b"three")]
    assert connections == 1


async def test_a_cut_connection_is_no_answer_and_the_next_call_has_a_new_one() -> None:
    first = True

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal first
        await _request(reader)
        if not first:
            writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        first = False
        writer.close()

    assert await with_server(talk, b"one", b"two") == [(0, b""), (503, b"")]


async def test_silence_is_no_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    assert await with_server(talk, b"one", timeout_s=0.1) == [(0, b"")]


async def test_nobody_there_is_no_answer() -> None:
    wire = Wire(f"http://127.0.0.1:{free_port()}")
    assert (await wire.send(wire.request("/", {}, b""))).status == 0
