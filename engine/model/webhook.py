"""Standard Webhooks 1.0: signing and checking, pure. Time is an argument so that tests can move the clock.

Source: the Standard Webhooks specification (HMAC-SHA256 over `id.timestamp.body`, header `v1,<base64>`,
several signatures separated by spaces, secrets `whsec_<base64>`).
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from functools import lru_cache

TOLERANCE_S = 300
"""How far a timestamp may lie from now, either way (the specification's advice: five minutes)."""
_MOST_SIGNATURES = 16


def key_of(secret: str) -> bytes:
    """The key bytes of a `whsec_…` secret; raises `ValueError` saying what is wrong with it."""
    name, found, encoded = secret.partition("_")
    if name != "whsec" or not found:
        raise ValueError("a webhook secret starts with whsec_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError("the part after whsec_ must be base64") from error
    if not 16 <= len(key) <= 64:
        raise ValueError("a webhook secret holds 16 to 64 bytes")
    return key


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` value; `timestamp` is in seconds."""
    mac = _keyed(key).copy()
    mac.update(f"{message_id}.{timestamp}.".encode() + body)
    return "v1," + base64.b64encode(mac.digest()).decode()


@lru_cache(maxsize=256)
def _keyed(key: bytes) -> hmac.HMAC:
    """The code of a key before any message: looking up the algorithm and taking in the key cost more than the rest."""
    return hmac.new(key, digestmod="sha256")


def signer(keys: Sequence[bytes], headers: dict[str, str], body: bytes, now_s: int) -> int:
    """Which of the keys signed this webhook; raises `ValueError` saying why it is not to be believed.

    Header names in lower case. Every key is compared with every signature offered, whichever fits, so that time tells
    nothing of which secret was near.
    """
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (message_id and stamp and given):
        raise ValueError("webhook-id, webhook-timestamp and webhook-signature are all needed")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise ValueError("webhook-timestamp must be whole seconds since 1970")
    if abs(now_s - int(stamp)) > TOLERANCE_S:
        raise ValueError(f"webhook-timestamp is more than {TOLERANCE_S} s from our clock")
    offered = [part.encode() for part in given.split(" ")[:_MOST_SIGNATURES]]
    found = -1
    for n, key in enumerate(keys):
        right = sign(key, message_id, int(stamp), body).encode()
        for one in offered:
            if hmac.compare_digest(right, one):
                found = n
    if found < 0:
        raise ValueError("webhook-signature fits none of our secrets")
    return found


def fault(keys: Sequence[bytes], headers: dict[str, str], body: bytes, now_s: int) -> str:
    """Why this webhook is not to be believed; empty when it is."""
    try:
        signer(keys, headers, body, now_s)
    except ValueError as wrong:
        return str(wrong)
    return ""
