"""A trip's answers, however they come in; a server that goes, stands still or says that it cannot answer now."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hiredis import Reader
from redis.asyncio import ConnectionPool
from redis.exceptions import BusyLoadingError, MovedError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from engine.store.line import Line

Says = Callable[[int, asyncio.StreamWriter], None]
"""What the server does with each command: it is told how many connections there were so far."""


@asynccontextmanager
async def line_to(says: Says, timeout_s: float = 5.0) -> AsyncIterator[Line]:
    """A line to a server that greets as a real one does and then says what it is told to."""
    connections: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        commands = Reader()
        while raw := await reader.read(65536):
            commands.feed(raw)
            while command := commands.gets():
                if command[0] == b"ECHO":
                    says(len(connections), writer)
                else:
                    writer.write(b"+OK\r\n")

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    line = Line(ConnectionPool(host=host, port=port, protocol=2), timeout_s)
    try:
        yield line
    finally:
        await line.close()
        for writer in connections:
            writer.close()
        server.close()


ASKED = [("ECHO", n) for n in range(3)]


async def test_answers_come_whole_however_they_are_cut() -> None:
    pieces = iter([b"$2\r", b"\nab\r\n-MOVED 1 127.", b"0.0.1:7\r\n*2\r\n:1\r\n+x\r\n"])
    async with line_to(lambda _, writer: writer.write(next(pieces))) as line:
        text, moved, row = await line.trip(ASKED)
    assert (text, row) == (b"ab", [1, b"x"])
    assert isinstance(moved, MovedError), "an error of one command is its answer"


async def test_a_connection_found_dead_is_opened_anew_once() -> None:
    def says(connection: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+here\r\n") if connection > 1 else writer.close()

    async with line_to(says) as line:
        assert await line.trip(ASKED) == [b"here"] * 3
        assert await line.trip(ASKED[:1]) == [b"here"], "and used on"


async def test_a_server_that_goes_twice_is_away() -> None:
    async with line_to(lambda _, writer: writer.close()) as line:
        with pytest.raises(RedisConnectionError, match="closed the connection"):
            await line.trip(ASKED)


async def test_a_server_that_stands_still_is_waited_for_so_long_and_its_late_answer_is_nobodys() -> None:
    def says(connection: int, writer: asyncio.StreamWriter) -> None:
        if connection > 1:
            writer.write(b"+fresh\r\n")

    async with line_to(says, timeout_s=0.1) as line:
        with pytest.raises(RedisTimeoutError, match=r"no answer within 0\.1 s"):
            await line.trip(ASKED)
        assert await line.trip(ASKED[:1]) == [b"fresh"]


async def test_a_server_that_still_reads_its_log_is_away() -> None:
    async with line_to(lambda _, writer: writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")) as line:
        with pytest.raises(BusyLoadingError):
            await line.trip(ASKED)


async def test_what_is_no_answer_ends_the_connection() -> None:
    async with line_to(lambda _, writer: writer.write(b"HTTP/1.1 400\r\n")) as line:
        with pytest.raises(RedisConnectionError, match="not an answer"):
            await line.trip(ASKED)
