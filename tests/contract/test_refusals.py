"""Every kind of bad input at the running service: each fault named, nothing stored, nothing clear in the log."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from redis import Redis
from running import Json, Service, faults

from engine.store import embedded

PHONE, NAME = "13812340987", "王小明"
CLEAR = f"我叫{NAME}，电话{PHONE}，身份证110101199003078515"


@pytest.fixture
def untouched(service: Service) -> Iterator[None]:
    """What is refused leaves no key in the store and no clear word in the log."""
    store = Redis(unix_socket_path=str(embedded.socket_path(service.data)))

    def kept() -> list[Any]:
        return sorted([*store.keys("{cj}:call:*"), *store.keys("{cj}:hook:*"), *store.keys("{cj}:order:*")])

    before = kept()
    yield
    assert kept() == before
    _nothing_clear_in(service)


def _nothing_clear_in(service: Service) -> None:
    for secret in (PHONE, NAME, "110101199003078515", service.token("admin")):
        assert secret not in service.log


def with_clear(service: Service, **changes: Any) -> Json:
    plain = service.call(CLEAR, caller={"phone": PHONE, "name": NAME}, location={"address": "锦绣苑3号楼"})
    return plain | changes


# --- who sends


def test_unsigned(service: Service, untouched: None) -> None:
    got = service.http.post("/v1/calls", json=with_clear(service))
    assert faults(got, 401) == set()
    assert "all needed" in got.json()["detail"]


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_wrongly_signed(service: Service, untouched: None, header: str) -> None:
    raw = json.dumps(with_clear(service)).encode()
    signed = service.signed(raw)
    other = signed[header][:-1] + ("8" if signed[header].endswith("7") else "7")
    faults(service.http.post("/v1/calls", content=raw, headers=signed | {header: other}), 401)
    faults(service.http.post("/v1/calls", content=raw + b" ", headers=signed), 401)


@pytest.mark.parametrize("seconds", [-301, 302, -(10**8)])
def test_stale_or_from_the_future(service: Service, untouched: None, seconds: int) -> None:
    got = service.send(with_clear(service), at=service.now_ms() // 1000 + seconds)
    faults(got, 401)
    assert "from our clock" in got.json()["detail"]


def test_a_webhook_id_with_odd_characters(service: Service, untouched: None) -> None:
    faults(service.send(with_clear(service), "msg of mine"), 401)


def test_replayed_with_another_body_and_repeated_with_the_same(service: Service) -> None:
    call = with_clear(service)
    first = service.send(call, "msg_replay")
    assert first.status_code == 200
    faults(service.send(call | {"text": "别的事"}, "msg_replay"), 409)
    again = service.send(call, "msg_replay")
    assert (again.status_code, again.content) == (200, first.content)
    _nothing_clear_in(service)


def test_a_call_id_of_another_webhook(service: Service) -> None:
    call = with_clear(service, call_id="X-taken")
    assert service.send(call).status_code == 200
    got = service.send(call)
    faults(got, 409)
    assert got.json()["type"].endswith("call-id-taken")


def test_the_same_webhook_many_times_at_once_is_one_call(service: Service) -> None:
    """A call centre that loses patience: one order, one answer."""
    call = service.call("路灯不亮了，晚上很黑", location={"address": "鼓澜街道"})
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(service.send(call, "msg_many").content)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert "order_id" in json.loads(answers[0])


# --- what is sent


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"text": ""}, {"text"}),
        ({"text": "　\n"}, {"text"}),
        ({"text": CLEAR + "\x00"}, {"text"}),
        ({"text": CLEAR * 400}, {"text"}),
        ({"channel": "119"}, {"channel"}),
        ({"color": "red"}, {"color"}),
        ({"received_at": "2026-01-05T10:00:00"}, {"received_at"}),
        ({"received_at": "2036-01-05T10:00:00+08:00"}, {"received_at"}),
        ({"received_at": 1_767_578_400}, {"received_at"}),
        ({"location": {"lat": 91.0, "lng": 181.0}}, {"location.lat", "location.lng"}),
        ({"location": {"lat": 31.0}}, {"location"}),
        ({"extra": {"deep": {"a": 1}}, "channel": 5, "text": " "}, {"extra.deep", "channel", "text"}),
        ({"call_id": "a b"}, {"call_id"}),
    ],
)
def test_each_faulty_field_is_named(service: Service, untouched: None, changes: Json, named: set[str]) -> None:
    assert faults(service.send(with_clear(service, **changes)), 422) == named


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"text": "\xff\xfe"}',
        b'{"received_at":"2026-01-05T10:00:00Z","channel":"110","text":"\\ud83d"}',
        b'{"received_at":"2026-01-05T10:00:00Z","channel":"110","text":"x","\\udc00":1}',
        b'{"a":' * 3000,
        b"[" * 60_000,
    ],
    ids=range(9),
)
def test_bodies_that_are_no_call(service: Service, untouched: None, raw: bytes) -> None:
    faults(service.send(raw), 422)


@pytest.mark.parametrize("size", [100_000, 5_000_000])
def test_a_body_too_large(service: Service, untouched: None, size: int) -> None:
    raw = json.dumps(with_clear(service, text="吵" * (size // 3)), ensure_ascii=False).encode()
    assert faults(service.send(raw), 413) == {"body"}


def test_a_body_that_says_nothing_of_its_length(service: Service, untouched: None) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    headers = service.signed(b"")
    try:
        got = service.http.post("/v1/calls", content=endless(), headers=headers)
    except httpx.WriteError:
        return  # hung up on as soon as it was too much
    faults(got, 413)


# --- other routes


def test_unknown_paths_and_methods_are_problems_too(service: Service) -> None:
    faults(service.http.get("/v1/nonsense", headers=service.auth("admin")), 404)
    got = service.http.delete("/v1/orders", headers=service.auth("admin"))
    faults(got, 405)
    assert got.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/orders/O1/events", b"\xff"),
        ("/orders/O1/events", b'{"type": "sign"'),
        ("/orders/O1/events", b'{"type": "explode"}'),
        ("/orders/O1/events", b'{"type": "sign", "at": "2026-01-05T10:00:00"}'),
        ("/orders/O1/events", b'{"type": "sign", "data": {"n": NaN}}'),
        ("/orders/O1/events", b'{"type": "sign", "note": "\\ud800"}'),
        ("/orders/O1/events", b'{"type": "sign", "\\ud800": 1}'),
        ("/calls/C1/review", b'{"matter": "army", "reason": "x"}'),
        ("/alerts/A1/review", b'{"verdict": "maybe", "reason": "x"}'),
        ("/classify", b'{"text": ""}'),
    ],
)
def test_bad_bodies_of_other_routes(service: Service, untouched: None, path: str, value: bytes) -> None:
    headers = service.auth("admin") | {"content-type": "application/json"}
    got = service.http.post(f"/v1{path}", content=value, headers=headers)
    faults(got, got.status_code)
    assert got.status_code in (400, 422)


@pytest.mark.parametrize(
    "query", ["state=asleep", "limit=0", "limit=501", "limit=x", "cursor=!!", "cursor=bmFufHg=", "overdue=perhaps"]
)
def test_bad_questions(service: Service, query: str) -> None:
    faults(service.http.get(f"/v1/orders?{query}", headers=service.auth("admin")), 422)


@pytest.mark.parametrize("name", ["..%2f..%2fetc", "%00", "a" * 300, "%F0%9F%98%80", "O1%0A"])
def test_odd_ids(service: Service, name: str) -> None:
    got = service.http.get(f"/v1/orders/{name}", headers=service.auth("admin"))
    faults(got, got.status_code)
    assert got.status_code in (404, 422)


# --- moves


def test_an_illegal_move_names_the_legal_ones(service: Service) -> None:
    order = service.answer("有人打架，动手打人了，拿着刀！", location={"address": "望潮区鼓澜街道"})["order_id"]
    got = service.event(order, "verify")
    faults(got, 409)
    assert set(got.json()["legal"]) == {"sign", "cancel", "supplement", "note"}
    assert service.order(order)["state"] == "sent"


def test_an_idempotency_key_answers_the_same_and_refuses_another_event(service: Service) -> None:
    order = service.answer("有人打架，动手打人了，两个人流血了！", location={"address": "青堰街道"})["order_id"]
    key = {"Idempotency-Key": "k-1"}

    def tries(**event: Any) -> httpx.Response:
        return service.post(f"/orders/{order}/events", event, "officer", headers=key)

    first = tries(type="sign")
    assert first.status_code == 200, first.text
    again = tries(type="sign")
    assert (again.status_code, again.json()["version"]) == (200, first.json()["version"])
    faults(tries(type="arrive"), 409)
    assert service.order(order)["state"] == "signed"


def test_a_number_said_anywhere_is_kept_from_every_reader(service: Service) -> None:
    """Texts, notes, reviews and answers: masked for all who look."""
    call = service.answer(CLEAR + "，楼上漏水", caller={"phone": PHONE, "name": NAME})
    order = call["order_id"]
    assert service.event(order, "note", note=f"已联系{PHONE}", data={"tel": PHONE}).status_code == 200
    shown = json.dumps(
        [call, service.order(order), service.get(f"/calls/{call['call_id']}").json()], ensure_ascii=False
    )
    for clear in (PHONE, NAME, "110101199003078515"):
        assert clear not in shown
    _nothing_clear_in(service)
