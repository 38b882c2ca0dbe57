"""Signatures: ours are what the reference library accepts and what the service's own few lines make."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from engine.clock import Clock as ServiceClock
from engine.model import webhook
from load_tests import signing
from load_tests.clock import Clock

SECRET = "whsec_" + "c2VjcmV0" * 5
BODIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(body=BODIES, now=st.integers(1_600_000_000, 4_000_000_000))
def test_the_service_makes_and_believes_the_same_signature(body: str, now: int):
    sent = signing.headers(SECRET, "msg_1", body, now)
    key = webhook.key_of(SECRET)
    assert sent["webhook-signature"] == webhook.sign(key, "msg_1", now, body.encode())
    assert webhook.fault([key], sent, body.encode(), now) == ""
    assert signing.fault(SECRET, sent, body, now) == ""


def test_the_library_itself_believes_it_now():
    body = json.dumps({"type": "order.sent"})
    Webhook(SECRET).verify(body, signing.headers(SECRET, "msg_2", body, time.time()))


@pytest.mark.parametrize(
    ("change", "later", "says"),
    [
        ({"webhook-signature": "v1,AAAA"}, 0, "does not fit"),
        ({}, 301, "old"),
        ({}, -301, "old"),
        ({"webhook-id": ""}, 0, "needed"),
        ({"webhook-timestamp": "soon"}, 0, "needed"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str], later: int, says: str):
    sent = signing.headers(SECRET, "msg_3", "{}", 1_800_000_000) | change
    assert says in signing.fault(SECRET, sent, "{}", 1_800_000_000 + later)


def test_another_body_under_the_same_signature_is_not_believed():
    sent = signing.headers(SECRET, "msg_4", "{}", 1_800_000_000)
    assert signing.fault(SECRET, sent, '{"a": 1}', 1_800_000_000)


def test_both_sides_see_the_clock_move(tmp_path: Path):
    ours = Clock(tmp_path)
    assert not ours.movable  # the service has not started yet
    theirs = ServiceClock(tmp_path / "clock_offset")
    ours.advance(3600)
    theirs.advance(60)
    assert ours.offset == theirs.offset == 3660
    with pytest.raises(ValueError, match="forward"):
        ours.advance(-1)


def test_a_clock_without_its_file_is_the_machines(tmp_path: Path):
    assert Clock(tmp_path).offset == 0
    with pytest.raises(RuntimeError, match="FENLIU_MOVABLE_CLOCK"):
        Clock(tmp_path).advance(1)
