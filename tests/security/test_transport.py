"""The transport's bounds, at a real server with short limits: size, time, number; and honest callers beside."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop
from running import ROOT
from starlette.testclient import TestClient

from engine.bounds import MOST_BODY_BYTES, MOST_HEAD_BYTES, MOST_URL_BYTES, Bounded, Limits, bounded
from engine.connector.command import connect

QUICK = Limits(arrive_s=0.3, read_s=0.4, linger_s=0.3, connections=20, look_every_s=0.05)
GOOD = b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"
HEAD = b"POST /x HTTP/1.1\r\nhost: a\r\n"


@pytest.fixture
def event_loop_policy() -> uvloop.EventLoopPolicy:
    """The loop that serves calls."""
    return uvloop.EventLoopPolicy()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body and answers its length; `/long` answers more than anybody's buffers hold."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    said = str(size).encode() if scope["path"] != "/long" else b"x" * 50_000_000
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


@asynccontextmanager
async def listening(limits: Limits = QUICK) -> AsyncIterator[tuple[int, uvicorn.Server]]:
    config = uvicorn.Config(app, port=0, http=bounded(limits), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # not in the main thread
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], server
    finally:
        server.should_exit = server.force_exit = True
        await serving


async def said(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """What a connection answers until it is closed, to parts sent one after another."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
    except ConnectionError:
        pass
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b"reset"
    finally:
        writer.close()


def problem(raw: bytes, status: int) -> dict[str, Any]:
    """The one answer in `raw`, a problem of that status that ends its connection."""
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status), raw[:200]
    assert b"connection: close" in head
    assert b"application/problem+json" in head
    found: dict[str, Any] = json.loads(body)
    assert (found["status"], bool(found["title"] and found["detail"])) == (status, True)
    return found


CLOSE = HEAD + b"connection: close\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * MOST_URL_BYTES + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * MOST_HEAD_BYTES + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x: a\r\n" * MOST_HEAD_BYTES, 431),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * MOST_HEAD_BYTES * 20, 431),
        (HEAD + b"content-length: %d\r\n\r\n" % (MOST_BODY_BYTES + 1), 413),
        (HEAD + b"content-length: 9999999999999999999999999\r\n\r\n", 400),
        (HEAD + b"content-length: 999999999999999999\r\n\r\n", 413),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"ffff\r\n" + b"a" * 0xFFFF + b"\r\n", 408),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n" + (b"ffff\r\n" + b"a" * 0xFFFF + b"\r\n") * 9, 413),
        (HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\nhi", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
    ids=[
        "long address", "one long header", "endless headers", "one endless header", "long body", "no number",
        "far too long body", "chunks that do not end", "too many chunks", "two lengths", "two other lengths", "TLS",
    ],
)  # fmt: skip
async def test_what_is_too_large_or_ambiguous_is_a_problem_and_hung_up_on(request_: bytes, status: int) -> None:
    async with listening() as (port, _):
        problem(await said(port, request_), status)
        assert (await said(port, CLOSE + b"content-length: 2\r\n\r\nhi")).endswith(b"2")


async def test_whoever_is_refused_in_the_middle_of_sending_hears_why() -> None:
    """Hung up on with bytes unread, a client would see a reset and no words."""
    async with listening(Limits(linger_s=5.0)) as (port, _):
        for _ in range(3):
            raw = await said(port, HEAD + b"content-length: 8000000\r\n\r\n", *[b"x" * 400_000] * 20)
            assert problem(raw, 413)["faults"][0]["where"] == "body"


async def test_the_second_request_of_a_connection_is_refused_in_words_too() -> None:
    async with listening() as (port, _):
        first, _, rest = (await said(port, GOOD, HEAD + b"content-length: 8000000\r\n\r\n", pause=0.1)).partition(
            b"\r\n\r\n2"
        )
        assert first.startswith(b"HTTP/1.1 200")
        problem(rest, 413)


async def test_what_is_just_small_enough_is_taken() -> None:
    async with listening() as (port, _):
        body = b"a" * MOST_BODY_BYTES
        assert (await said(port, CLOSE + b"content-length: %d\r\n\r\n" % len(body) + body)).endswith(b"%d" % len(body))
        padding = b"x: " + b"a" * (MOST_HEAD_BYTES - 200) + b"\r\n"
        assert (await said(port, CLOSE + padding + b"content-length: 2\r\n\r\nhi")).endswith(b"2")


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"\r\n"] * 20,
        [bytes([c]) for c in HEAD],
        [HEAD, *[b"x: y\r\n"] * 20],
        [HEAD + b"content-length: 100\r\n\r\n", *[b"a"] * 20],
        [HEAD + b"transfer-encoding: chunked\r\n\r\n", *[b"1\r\na\r\n"] * 20],
        [GOOD, *[bytes([c]) for c in GOOD[:-1]]],
    ],
    ids=["silence", "empty lines", "a byte a time", "a header a time", "a drip of body", "chunks", "second request"],
)
async def test_a_slow_loris_is_hung_up_on_however_often_it_sends(parts: list[bytes]) -> None:
    async with listening() as (port, _):
        started = asyncio.get_running_loop().time()
        raw = await said(port, *parts, pause=0.05)
        took = asyncio.get_running_loop().time() - started
        if len(parts) > 8:
            assert took < 0.05 * len(parts) + 1.0
        if raw and raw != b"reset" and not raw.startswith(b"HTTP/1.1 200"):
            problem(raw, 408)


async def test_hundreds_of_slow_ones_do_not_keep_an_honest_caller_out() -> None:
    async with listening(Limits(arrive_s=30, connections=50, look_every_s=0.05)) as (port, server):
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
        for _, writer in slow:
            writer.write(b"GET / HT")
        for _ in range(20):
            assert (await said(port, CLOSE + b"content-length: 2\r\n\r\nhi")).endswith(b"2")
        await asyncio.sleep(0.2)
        assert len(server.server_state.connections) <= 51
        for _, writer in slow:
            writer.close()


async def test_a_connection_at_rest_between_requests_is_left_alone() -> None:
    async with listening() as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(GOOD)
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n2"), 5)
            await asyncio.sleep(QUICK.arrive_s * 1.5)
        writer.close()


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    async with listening() as (port, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a reading transport only
        writer.write(b"GET /long HTTP/1.1\r\nhost: a\r\n\r\n")
        for _ in range(100):
            await asyncio.sleep(0.05)
            if not server.server_state.connections:
                break
        assert not server.server_state.connections
        writer.close()
        assert reader


async def test_requests_sent_in_one_go_are_answered_one_by_one() -> None:
    async with listening() as (port, _):
        raw = await said(port, GOOD * 3 + CLOSE + b"content-length: 2\r\n\r\nhi")
        assert raw.count(b"HTTP/1.1 200") == 4


def test_the_connector_has_the_same_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """`fenliu connect` listens too: its server is started with the bounded protocol, and a long body is 413."""
    started: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **how: started.update(how, app=app))
    file = next((ROOT / "docs" / "examples").rglob("connector*.yaml"))
    for name in re.findall(r"\{([A-Z_]+)\}", file.read_text("utf-8")):
        monkeypatch.setenv(name, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    connect(file)
    assert issubclass(started["http"], Bounded)
    client = TestClient(started["app"])
    for route in started["app"].routes:
        assert client.post(route.path, content=b"x" * 300_000).status_code in (401, 413, 422)
