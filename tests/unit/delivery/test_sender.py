"""The sender against a real HTTP server on this machine: what arrives, what is refused, what is tried again."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from engine.delivery import Outcome, Sender
from engine.errors import Refused
from engine.model.city import Body, BodyKind, Tier
from engine.model.message import Message, MessageType
from engine.model.webhook import key_of

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """A bare HTTP server: keeps what it was sent, answers as told."""

    reply: Reply
    port: int = 0
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (h.partition(": ") for h in rest if h)}
        self.heard.append((line, headers, await reader.readexactly(int(headers["content-length"]))))
        try:
            await self.reply(writer)
        finally:
            writer.close()


def saying(head: str) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()

    return reply


async def drip(writer: asyncio.StreamWriter) -> None:
    """An answer that never ends, a byte at a time: no single read is slow."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\n.\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


@asynccontextmanager
async def receiving(reply: Reply) -> AsyncIterator[Receiver]:
    receiver = Receiver(reply)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    yield receiver
    server.close()


def body(endpoint: str, private: bool = True) -> Body:
    return Body("b", "单位", Tier.CITY, BodyKind.DEPARTMENT, endpoint=endpoint, secret="b", allow_private=private)


MESSAGE = Message("msg_O1_1_0", "cj", "b", MessageType.ORDER_SENT, 1_767_578_400_000, "O1", {"order_id": "O1"})


async def sent(
    endpoint: str, *, private: bool = True, timeout_s: float = 0.4, contacts: bool = False
) -> tuple[Outcome, str]:
    sender = Sender(lambda _: (key_of(SECRET),), timeout_s=timeout_s)
    clear = [{"call_id": "C1", "phone": "13800001234"}] if contacts else []
    try:
        verdict = await sender.send(MESSAGE, body(endpoint, private), clear, MESSAGE.created_at)
    finally:
        await sender.close()
    return verdict.outcome, verdict.reason


async def test_a_signed_message_arrives_as_the_contract_shapes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(saying("204 No Content")) as receiver:
        assert await sent(f"http://127.0.0.1:{receiver.port}/in", contacts=True) == (Outcome.SENT, "HTTP 204")
    line, headers, raw = receiver.heard[0]
    assert line == "POST /in HTTP/1.1"
    assert headers["webhook-id"] == "msg_O1_1_0"
    expected = Webhook(SECRET).sign(headers["webhook-id"], _at(headers), raw.decode())
    assert headers["webhook-signature"] == expected
    value = json.loads(raw)
    assert (value["type"], value["timestamp"]) == ("order.sent", "2026-01-05T02:00:00.000+00:00")
    assert value["data"] == {"order_id": "O1", "contacts": [{"call_id": "C1", "phone": "13800001234"}]}


def _at(headers: dict[str, str]) -> datetime:
    return datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)


async def test_a_redirect_is_not_followed() -> None:
    async with receiving(saying("204 No Content")) as other:
        head = f"307 Elsewhere\r\nlocation: http://127.0.0.1:{other.port}/"
        async with receiving(saying(head)) as receiver:
            assert await sent(f"http://127.0.0.1:{receiver.port}/") == (Outcome.REFUSED, "HTTP 307")
        assert other.heard == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.1.2.3", "169.254.169.254", "0.0.0.0",
     "2130706433", "0x7f.1", "127.1", "100.64.0.1", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a00:1]",
     "[2002:7f00:1::1]", "[fe80::1]", "[fd00::1]", "224.0.0.1", "255.255.255.255"],
)  # fmt: skip
async def test_no_request_into_our_own_network_unless_the_table_allows_it(host: str) -> None:
    async with receiving(saying("204 No Content")) as receiver:
        outcome, reason = await sent(f"http://{host}:{receiver.port}/", private=False)
    says = "no URL" if host in ("2130706433", "127.1") else "private address"  # half an address is none
    assert (outcome, says in reason, receiver.heard) == (Outcome.REFUSED, True, [])


@pytest.mark.parametrize("reply", [silence, drip, hang_up], ids=["silent", "dripping", "hanging up"])
async def test_a_receiver_that_does_not_answer_is_tried_again(reply: Reply) -> None:
    async with receiving(reply) as receiver:
        outcome, _ = await asyncio.wait_for(sent(f"http://127.0.0.1:{receiver.port}/"), 3)
    assert outcome is Outcome.RETRY_LATER


async def test_a_receiver_that_is_away_is_tried_again() -> None:
    async with receiving(silence) as receiver:
        port = receiver.port
    assert (await sent(f"http://127.0.0.1:{port}/"))[0] is Outcome.RETRY_LATER


@pytest.mark.parametrize(
    "endpoint", ["nonsense", "http://", "http://[::1", "ftp://127.0.0.1/", "http://" + "a" * 80 + "/"]
)
@pytest.mark.parametrize("private", [True, False])
async def test_an_endpoint_that_is_no_address_ends_the_try_and_not_the_worker(endpoint: str, private: bool) -> None:
    outcome, _ = await sent(endpoint, private=private)
    assert outcome in (Outcome.REFUSED, Outcome.RETRY_LATER)


async def test_a_body_without_an_endpoint_pulls() -> None:
    assert await sent("") == (Outcome.SENT, "no endpoint: the body pulls its orders")


async def test_a_body_without_a_secret_waits_for_one() -> None:
    def missing(_: Body) -> tuple[bytes, ...]:
        raise Refused

    sender = Sender(missing)
    verdict = await sender.send(MESSAGE, body("http://127.0.0.1:9/"), [], 0)
    await sender.close()
    assert verdict.outcome is Outcome.RETRY_LATER


async def test_while_a_key_is_replaced_both_sign() -> None:
    old, new = SECRET, "whsec_" + "Zm9ydHktdHdvIHNlY3JldHMgYXJlIGVub3VnaCE="
    async with receiving(saying("204 No Content")) as receiver:
        sender = Sender(lambda _: (key_of(new), key_of(old)))
        await sender.send(MESSAGE, body(f"http://127.0.0.1:{receiver.port}/"), [], MESSAGE.created_at)
        await sender.close()
    _, headers, raw = receiver.heard[0]
    for secret in (old, new):
        assert (
            Webhook(secret).sign(headers["webhook-id"], _at(headers), raw.decode())
            in headers["webhook-signature"].split()
        )


async def test_the_address_that_was_judged_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that says public first and private at the second question is asked once only."""
    answers = iter(["192.0.2.1", "127.0.0.1", "127.0.0.1"])
    asked: list[str] = []

    def resolve(host: str, port: int, *_: object, **__: object) -> list[object]:
        if host != "rebinding.example":
            return real(host, port, *_, **__)  # type: ignore[arg-type,return-value]  # passed on as it came
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("engine.delivery.connections._public", lambda address: address == "192.0.2.1")
    async with receiving(saying("204 No Content")) as receiver:
        outcome, _ = await sent(f"http://rebinding.example:{receiver.port}/", private=False)
    assert (outcome, asked, receiver.heard) == (Outcome.RETRY_LATER, ["rebinding.example"], [])


async def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    outcome, reason = await sent("http://mixed.example/", private=False)
    assert (outcome, "private" in reason) == (Outcome.REFUSED, True)
