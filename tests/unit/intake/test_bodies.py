"""The webhook's body: taken whole and masked, or refused with every fault and nothing of it in the words."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import to_builtins

import classifiers
from engine.errors import Refused
from engine.intake import Masking, parse, to_call
from engine.model.call import Call
from engine.privacy import Vault, mask_name, mask_phone

NOW = 1_767_578_400_000
VAULT = Vault(bytes(range(32)))
MASKING = Masking(classifiers.mask, mask_phone, mask_name, VAULT.hash_phone, VAULT.seal)
GOOD: dict[str, Any] = {"received_at": "2026-01-05T10:00:00+08:00", "channel": "110", "text": "楼下太吵"}


def raw(**changes: Any) -> bytes:
    return json.dumps({k: v for k, v in (GOOD | changes).items() if v is not ...}).encode()


def where(body: bytes) -> set[str]:
    with pytest.raises(Refused) as refused:
        parse(body, NOW)
    return {fault.where for fault in refused.value.faults}


def taken(**changes: Any) -> Call:
    return to_call(parse(raw(**changes), NOW), "msg_1", "cj", MASKING)


@settings(max_examples=300)
@given(st.binary(max_size=400))
@example(b"")
@example(b"\xff\xfe")
@example(b'{"text":"\\ud800"}')
@example(b"[" * 5000)
@example(b'{"a":1' * 300)
@example(b"nul" + b"\x00")
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        parse(body, NOW)
    assert refused.value.faults


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*GOOD, "call_id", "caller", "location", "operator", "extra", "other"])


@settings(max_examples=400)
@given(st.dictionaries(FIELDS, JSON, max_size=5))
def test_any_json_in_any_field_is_taken_or_refused_and_what_is_taken_can_be_kept(changes: dict[str, Any]) -> None:
    """A call that is stored and cannot be read back would be undecidable for ever."""
    body = json.dumps(GOOD | changes).encode()
    try:
        call = to_call(parse(body, NOW), "msg_1", "cj", MASKING)
    except Refused:
        return
    assert msgspec.json.decode(msgspec.json.encode(call), type=Call) == call


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n\u3000"}, "text"),
        ({"text": "\u200b\u200b"}, "text"),
        ({"text": "吵" * 10_001}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": 7}, "text"),
        ({"text": ...}, "text"),
        ({"channel": "119"}, "channel"),
        ({"channel": ...}, "channel"),
        ({"received_at": "2026-01-05T10:00:00"}, "received_at"),
        ({"received_at": "2026-01-05"}, "received_at"),
        ({"received_at": "2026-13-05T10:00:00+08:00"}, "received_at"),
        ({"received_at": 1_767_578_400}, "received_at"),
        ({"received_at": "1767578400"}, "received_at"),
        ({"received_at": "2026-01-05T10:06:00+08:00"}, "received_at"),
        ({"received_at": "2024-01-05T10:00:00+08:00"}, "received_at"),
        ({"received_at": "9999-12-31T23:59:59-23:59"}, "received_at"),
        ({"received_at": "0001-01-01T00:00:00+23:59"}, "received_at"),
        ({"location": {"lat": 91, "lng": 0}}, "location.lat"),
        ({"location": {"lat": 0, "lng": -180.1}}, "location.lng"),
        ({"location": {"lat": float("nan"), "lng": 0}}, "location.lat"),
        ({"location": {"lat": float("inf"), "lng": 0}}, "location.lat"),
        ({"location": {"lat": True, "lng": 0}}, "location.lat"),
        ({"location": {"lat": "30.1", "lng": 0}}, "location.lat"),
        ({"location": {"lat": 30.1}}, "location"),
        ({"location": {"street": "x"}}, "location.street"),
        ({"caller": {"phone": "1" * 33}}, "caller.phone"),
        ({"caller": {"name": "a\x1b[2J"}}, "caller.name"),
        ({"call_id": "../../etc"}, "call_id"),
        ({"call_id": "a" * 65}, "call_id"),
        ({"extra": {"n": float("nan")}}, "extra.n"),
        ({"extra": {"n": float("inf")}}, "extra.n"),
        ({"extra": {"n": 10**40}}, "extra.n"),
        ({"extra": {"n": [1]}}, "extra.n"),
        ({"extra": {"n": None}}, "extra.n"),
        ({"extra": {"n": "x" * 501}}, "extra.n"),
        ({"extra": {"n": "\x07"}}, "extra.n"),
        ({"extra": {str(n): n for n in range(51)}}, "extra"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_each_fault_is_named_at_its_field(changes: dict[str, Any], fault: str) -> None:
    assert where(raw(**changes)) == {fault}


def test_every_fault_is_named_at_once_of_shape_and_of_sense() -> None:
    faulty = raw(
        channel="pager",
        received_at="2030-01-05T10:00:00+08:00",
        text=" ",
        location={"lat": 12},
        extra={"x": [1]},
        surprise=1,
    )
    assert where(faulty) == {"channel", "received_at", "text", "location", "extra.x", "surprise"}


def test_thousands_of_faults_are_answered_with_the_first_hundred() -> None:
    with pytest.raises(Refused) as refused:
        parse(raw(**{f"field{n}": n for n in range(3000)}), NOW)
    assert len(refused.value.faults) == 100


def test_refusals_repeat_nothing_of_what_was_sent() -> None:
    secret = "13800001234"
    faulty = raw(text=["王小明 " + secret], caller={"phone": secret * 4}, channel=secret, received_at=secret)
    with pytest.raises(Refused) as refused:
        parse(faulty, NOW)
    assert secret not in str(refused.value)


def test_too_large_a_body_is_not_even_read() -> None:
    assert where(b"x" * 65_537) == {"body"}


@pytest.mark.parametrize("at", ["2026-01-05T02:00:00Z", "2026-01-05T10:00:00.123456789+08:00", "2026-01-05t02:00:00z"])
def test_times_with_an_offset_are_one_instant(at: str) -> None:
    assert abs(taken(received_at=at).received_at - NOW) < 1000


def test_personal_data_is_masked_hashed_and_sealed_before_anything_else_sees_it() -> None:
    call = taken(
        text="我叫王小明，电话13800001234，身份证110101199003078515",
        caller={"phone": "138 0000 1234", "name": "王小明", "kind": "骑手13800001234"},
        location={"address": "锦绣苑3号楼，联系13800001234"},
        extra={"second": "13900001234", "number": 13_900_001_234, "floor": 3, "lift": True},
    )
    readable = json.dumps({k: v for k, v in to_builtins(call).items() if k != "sealed"}, ensure_ascii=False)
    for clear in ("13800001234", "13900001234", "0000 1234", "王小明", "110101199003078515"):
        assert clear not in readable, clear
    assert call.caller.hash == VAULT.hash_phone("+86 138-0000-1234")
    assert (call.extra["floor"], call.extra["lift"]) == (3, True)
    contact = VAULT.open(call.sealed, call.call_id)
    assert (contact.phone, contact.name) == ("138 0000 1234", "王小明")
    assert "13800001234" in contact.text


def test_a_call_without_an_id_gets_one_that_a_repeated_webhook_gets_again() -> None:
    body = parse(raw(), NOW)
    one, two = (to_call(body, hook, "cj", MASKING).call_id for hook in ("msg_1", "msg_2"))
    assert one == to_call(body, "msg_1", "cj", MASKING).call_id
    assert one != two
    assert taken(call_id="X-1").call_id == "X-1"
