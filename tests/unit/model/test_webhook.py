"""Standard Webhooks 1.0, checked against the reference library: both sign and believe the same."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from engine.errors import Unsigned
from engine.intake import verify
from engine.model.webhook import TOLERANCE_S, fault, key_of, sign

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KEY, OTHER = key_of(SECRET), key_of("whsec_" + base64.b64encode(b"o" * 24).decode())
NOW_S = 1_767_578_400
IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)


def headers(body: bytes, key: bytes = KEY, message_id: str = "msg_1", at: int = NOW_S) -> dict[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(key, message_id, at, body),
    }


@given(IDS, st.integers(0, 4_000_000_000), st.text(max_size=200))
def test_we_sign_as_the_reference_does(message_id: str, at: int, text: str) -> None:
    theirs = Webhook(SECRET).sign(message_id, datetime.fromtimestamp(at, UTC), text)
    assert sign(KEY, message_id, at, text.encode()) == theirs


@given(st.text(max_size=200))
def test_the_reference_believes_what_we_sign(text: str) -> None:
    at = int(datetime.now(UTC).timestamp())  # the library knows no other clock
    given_headers = headers(text.encode(), at=at)
    try:
        Webhook(SECRET).verify(text, given_headers)
    except WebhookVerificationError as error:
        raise AssertionError(error) from None
    except ValueError:
        pass  # believed; then it reads the body as JSON, which this need not be


def test_several_secrets_during_rotation() -> None:
    body = b"{}"
    for key in (KEY, OTHER):
        assert fault((KEY, OTHER), headers(body, key), body, NOW_S) == ""
    both = headers(body)
    both["webhook-signature"] = f"v1,bm9uc2Vuc2U= {sign(OTHER, 'msg_1', NOW_S, body)}"
    assert fault((OTHER,), both, body, NOW_S) == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"webhook-id": ""}, "all needed"),
        ({"webhook-timestamp": ""}, "all needed"),
        ({"webhook-signature": ""}, "all needed"),
        ({"webhook-timestamp": "yesterday"}, "whole seconds"),
        ({"webhook-timestamp": "１７６７５７８４００"}, "whole seconds"),
        ({"webhook-timestamp": "1" * 13}, "whole seconds"),
        ({"webhook-timestamp": str(NOW_S - TOLERANCE_S - 1)}, "300 s from our clock"),
        ({"webhook-timestamp": str(NOW_S + TOLERANCE_S + 1)}, "300 s from our clock"),
        ({"webhook-timestamp": str(NOW_S + 1)}, "none of our secrets"),
        ({"webhook-id": "msg_2"}, "none of our secrets"),
        ({"webhook-signature": "v1,"}, "none of our secrets"),
        ({"webhook-signature": "v2," + sign(KEY, "msg_1", NOW_S, b"{}")[3:]}, "none of our secrets"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, str], says: str) -> None:
    assert says in fault((KEY,), headers(b"{}") | change, b"{}", NOW_S)


def test_another_body_or_another_key_is_not_believed() -> None:
    assert fault((KEY,), headers(b"{}"), b"{ }", NOW_S)
    assert fault((OTHER,), headers(b"{}"), b"{}", NOW_S)
    assert fault((), headers(b"{}"), b"{}", NOW_S)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "sk_" + SECRET[6:], "whsec_!!!", "whsec_" + "A" * 8, "whsec_" + "A" * 128]
)
def test_a_faulty_secret_is_named_as_such(secret: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_|16 to 64 bytes"):
        key_of(secret)


def test_the_intake_room_wants_a_plain_id_too() -> None:
    odd = headers(b"{}", message_id="msg 1")
    with pytest.raises(Unsigned, match="printable ASCII"):
        verify((KEY,), odd, b"{}", NOW_S * 1000)
    one, two = (verify((KEY,), headers(b), b, NOW_S * 1000) for b in (b"{}", b"[]"))
    assert one.webhook_id == "msg_1"
    assert one.digest != two.digest
