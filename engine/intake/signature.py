"""Whether a webhook is to be believed: Standard Webhooks 1.0 with several secrets during rotation."""

import hashlib
import re

from msgspec import Struct

from engine.errors import Unsigned
from engine.model.call import Instant
from engine.model.webhook import signer

_PLAIN_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Believed(Struct, frozen=True):
    """A verified webhook: its id, the digest of its body (for same answer or 409), and who signed."""

    webhook_id: str
    digest: str
    key: int
    """Which of our secrets signed it: one for each call centre, several during rotation."""


def verify(keys: tuple[bytes, ...], headers: dict[str, str], body: bytes, now: Instant) -> Believed:
    """Check signature and age; raises `Unsigned` saying what is wrong. Header names in lower case."""
    try:
        key = signer(keys, headers, body, now // 1000)
    except ValueError as wrong:
        raise Unsigned(str(wrong)) from None
    webhook_id = headers["webhook-id"]
    if not _PLAIN_ID.fullmatch(webhook_id):
        raise Unsigned("webhook-id must be 1 to 128 printable ASCII characters without spaces")
    return Believed(webhook_id, hashlib.blake2b(body, digest_size=16).hexdigest(), key)
