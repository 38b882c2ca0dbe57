"""Whether a webhook is to be believed: Standard Webhooks 1.0 with several secrets during rotation."""

import hashlib
import re
from dataclasses import dataclass

from engine.errors import Unsigned
from engine.model.call import Instant
from engine.model.webhook import fault

_PLAIN_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Believed:
    """A verified webhook: its id and the digest of its body (for same answer or 409)."""

    webhook_id: str
    digest: str


def verify(keys: tuple[bytes, ...], headers: dict[str, str], body: bytes, now: Instant) -> Believed:
    """Check signature and age; raises `Unsigned` saying what is wrong. Header names in lower case."""
    wrong = fault(keys, headers, body, now // 1000)
    if wrong:
        raise Unsigned(wrong)
    webhook_id = headers["webhook-id"]
    if not _PLAIN_ID.fullmatch(webhook_id):
        raise Unsigned("webhook-id must be 1 to 128 printable ASCII characters without spaces")
    return Believed(webhook_id, hashlib.blake2b(body, digest_size=16).hexdigest())
