"""Who may send how much, how often the same, and how secrets are compared: at the running service."""

import ast
import base64
import hashlib
import hmac
import inspect
import json
import re
import resource
import socket
import textwrap
import time
import uuid
from typing import Any

import pytest
from guarding import ARRIVE_S, FIRST, SECOND
from hypothesis import given
from hypothesis import strategies as st
from running import Service, faults, until

from engine.errors import TooMany
from engine.http.rates import Rates
from engine.http.tokens import Role, Tokens, Unknown, User
from engine.model import webhook


def signed(service: Service, key: bytes, raw: bytes, webhook_id: str = "") -> dict[str, str]:
    """The headers of the call centre that has this key."""
    webhook_id = webhook_id or f"msg_{uuid.uuid4().hex}"
    stamp = str(service.now_ms() // 1000)
    mac = hmac.new(key, f"{webhook_id}.{stamp}.".encode() + raw, hashlib.sha256).digest()
    given = "v1," + base64.b64encode(mac).decode()
    return {"webhook-id": webhook_id, "webhook-timestamp": stamp, "webhook-signature": given}


def request(headers: dict[str, str], raw: bytes, close: bool = False) -> bytes:
    lines = [
        "POST /v1/calls HTTP/1.1",
        "host: a",
        f"content-length: {len(raw)}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    return "\r\n".join([*lines, *(["connection: close"] if close else []), "", ""]).encode() + raw


def answers(service: Service, sent: bytes) -> bytes:
    """Everything a connection says to bytes that end with `connection: close`."""
    with socket.create_connection(("127.0.0.1", service.port), 60) as opened:
        opened.sendall(sent)
        found = b""
        while part := opened.recv(65_536):
            found += part
        return found


def body_of(service: Service, text: str) -> bytes:
    return json.dumps(service.call(text), ensure_ascii=False).encode()


# --- how much


def test_a_call_centre_that_sends_too_much_is_told_when_to_come_again_and_the_other_one_is_not_held_up(
    guarded: Service,
) -> None:
    raw = body_of(guarded, "路灯坏了，晚上看不见")
    headers = signed(guarded, SECOND, raw)
    flood = request(headers, raw) * 79 + request(headers, raw, close=True)
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", answers(guarded, flood))
    assert len(statuses) == 80, "every request has its answer"
    assert 40 <= statuses.count(b"200") < 80
    assert set(statuses) == {b"200", b"429"}
    refused = guarded.http.post("/v1/calls", content=raw, headers=headers)
    if refused.status_code != 200:  # a call's worth may have come back by now
        faults(refused, 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 5
    assert guarded.send(guarded.call("井盖坏了")).status_code == 200, "the first call centre has a bucket of its own"
    until(lambda: guarded.http.post("/v1/calls", content=raw, headers=headers).status_code == 200, 10)


def test_whoever_cannot_sign_uses_up_nobodys_share(guarded: Service) -> None:
    raw = body_of(guarded, "楼下太吵")
    wrong = signed(guarded, bytes(32), raw)
    said = answers(guarded, request(wrong, raw) * 99 + request(wrong, raw, close=True))
    assert re.findall(rb"HTTP/1\.1 (\d+)", said) == [b"401"] * 100
    assert guarded.http.post("/v1/calls", content=raw, headers=signed(guarded, FIRST, raw)).status_code == 200


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200), st.floats(0.1, 50))
def test_a_bucket_never_lets_more_through_than_it_says_and_never_less(pauses: list[float], rate: float) -> None:
    rates, now, taken = Rates(rate), 0.0, 0
    for pause in pauses:
        now += pause
        try:
            rates.take("a", now)
            taken += 1
        except TooMany as told:
            later = Rates(rate)
            later._left = dict(rates._left)
            later.take("a", now + told.retry_after_s + 0.001)  # whoever waits as told is let through
    assert taken <= max(1.0, rate * 10) + now * rate + 0.001
    assert taken >= min(len(pauses), int(max(1.0, rate * 10)))
    rates.take("b", now)


def test_rate_nought_is_no_bound() -> None:
    rates = Rates(0)
    for _ in range(10_000):
        rates.take("a", 0.0)


def test_tokens_that_are_none_do_not_fill_the_audit_trail(guarded: Service) -> None:
    until(lambda: guarded.http.get("/sign-in").status_code == 200, 90)
    statuses = [guarded.http.post("/sign-in", data={"token": f"wrong-{n}"}).status_code for n in range(20)]
    assert set(statuses) == {401, 429}
    noted = guarded.get("/audit", limit=500).json()["entries"]
    assert 1 <= sum(e["what"] == "sign_in" and e["detail"] == "refused" for e in noted) <= statuses.count(401)


# --- how long


def test_a_byte_a_second_is_hung_up_on_and_honest_callers_notice_nothing(guarded: Service) -> None:
    with socket.create_connection(("127.0.0.1", guarded.port), 30) as slow:
        began, letters = time.monotonic(), iter("GET / HTTP/1.1\r\nx: " + "a" * 200)
        until(lambda: _hung_up(slow, next(letters).encode()), ARRIVE_S + 8)
        assert time.monotonic() - began >= ARRIVE_S - 0.5
    assert guarded.send(guarded.call("树倒了")).status_code == 200


def _hung_up(slow: socket.socket, letter: bytes) -> bool:
    try:
        slow.sendall(letter)
        slow.settimeout(0.2)
        said = slow.recv(4096)
        assert not said or said.startswith(b"HTTP/1.1 408")
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize("path", ["/v1/classify", "/v1/models/m_a/check", "/sign-in", "/orders/O1"])
def test_no_route_takes_a_body_without_end(guarded: Service, path: str) -> None:
    raw = b"x" * 600_000
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {guarded.token('admin')}\r\n"
    said = answers(guarded, head.encode() + b"connection: close\r\ncontent-length: 600000\r\n\r\n" + raw[:1000])
    assert said.startswith(b"HTTP/1.1 413")


# --- how often


def test_the_same_webhook_again_is_the_same_answer_and_no_second_call(guarded: Service) -> None:
    raw = body_of(guarded, "有人打架，动手打人了，头都打破了！")
    headers = signed(guarded, FIRST, raw)

    def orders() -> int:
        return len(guarded.get("/orders", limit=500).json()["orders"])

    first = guarded.http.post("/v1/calls", content=raw, headers=headers)
    assert first.status_code == 200
    before = orders()
    for _ in range(4):
        again = guarded.http.post("/v1/calls", content=raw, headers=headers)
        assert (again.status_code, again.content) == (200, first.content)
    assert orders() == before


def test_a_captured_request_is_worth_nothing_five_minutes_later(guarded: Service) -> None:
    raw = body_of(guarded, "垃圾没人收")
    captured = signed(guarded, FIRST, raw)
    assert guarded.http.post("/v1/calls", content=raw, headers=captured).status_code == 200
    guarded.advance(301)
    got = guarded.http.post("/v1/calls", content=raw, headers=captured)
    faults(got, 401)
    assert "from our clock" in got.json()["detail"]
    fresh = captured | {"webhook-timestamp": str(guarded.now_ms() // 1000)}
    faults(guarded.http.post("/v1/calls", content=raw, headers=fresh), 401)


# --- how secrets are compared


@pytest.mark.parametrize("right", [0, 1, 2, None])
def test_every_key_is_compared_with_every_signature_whichever_fits(
    monkeypatch: pytest.MonkeyPatch, right: int | None
) -> None:
    compared: list[tuple[Any, Any]] = []
    real = hmac.compare_digest
    monkeypatch.setattr(webhook.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    keys = [bytes([n]) * 32 for n in range(3)]
    offered = [webhook.sign(bytes([9]) * 32, "m", 1, b""), webhook.sign(keys[right or 0], "m", 1, b"")]
    if right is None:
        offered.pop()
    headers = {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": " ".join(offered)}
    if right is None:
        with pytest.raises(ValueError, match="none of our secrets"):
            webhook.signer(keys, headers, b"", 1)
    else:
        assert webhook.signer(keys, headers, b"", 1) == right
    assert len(compared) == len(keys) * len(offered)


def test_every_token_is_compared_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append(a) or real(a, b))
    tokens = Tokens({f"a-token-of-number-{n}": User(str(n), Role.READER) for n in range(5)})
    assert tokens.user("Bearer a-token-of-number-0").name == "0"
    with pytest.raises(Unknown):
        tokens.user("Bearer nothing-of-the-kind")
    assert len(compared) == 10


@pytest.mark.parametrize("function", [webhook.signer, Tokens.user])
def test_no_loop_over_secrets_ends_early(function: Any) -> None:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    loops = [n for n in ast.walk(tree) if isinstance(n, ast.For)]
    assert loops
    for loop in loops:
        early = [n for n in ast.walk(loop) if isinstance(n, ast.Return | ast.Break | ast.Raise)]
        assert not early


# --- what a crash leaves


def test_no_process_of_the_service_writes_its_memory_to_disk_when_it_dies(guarded: Service) -> None:
    lines = (guarded.data / "pids").read_text("utf-8").split()
    named = dict(zip(lines[::2], map(int, lines[1::2]), strict=True))
    assert {"store", "api-0", "worker", "console"} <= set(named)
    for name, pid in named.items():
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0), name
