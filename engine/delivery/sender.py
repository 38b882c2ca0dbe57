"""One try: open the sealed contact for the body that must act, sign, post, judge the answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from engine import tracing
from engine.delivery.connections import Connections, PrivateAddress
from engine.delivery.plan import Outcome, Verdict, judge_response
from engine.errors import FenliuError
from engine.model.call import Instant
from engine.model.city import Body
from engine.model.message import Message
from engine.model.webhook import sign

_encode = msgspec.json.Encoder().encode
_NO_ENDPOINT = Verdict(Outcome.SENT, "no endpoint: the body pulls its orders")
_NO_URL = Verdict(Outcome.REFUSED, "the endpoint in the body table is no URL")
_PRIVATE = Verdict(Outcome.REFUSED, "the endpoint is a private address; the body table does not allow it")


class Sender:
    """Posts messages. `keys_of` gives a body's signing keys, or raises a `FenliuError` saying what is missing."""

    def __init__(self, keys_of: Callable[[Body], tuple[bytes, ...]], *, timeout_s: float = 10.0) -> None:
        self._keys_of = keys_of
        self._timeout_s = timeout_s
        self._connections = Connections()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._connections.close()

    async def send(self, message: Message, body: Body, contacts: list[dict[str, Any]], now: Instant) -> Verdict:
        """One signed POST. `contacts` are clear and leave this process only here; nothing is logged of them."""
        if not body.endpoint:
            return _NO_ENDPOINT
        if not _is_url(body.endpoint):
            return _NO_URL
        content = _encode(_payload(message, contacts))
        try:
            keys = self._keys_of(body)
        except FenliuError as error:
            return Verdict(Outcome.RETRY_LATER, str(error))
        return await self._post(body, content, _headers(keys, message.message_id, now // 1000, content), now)

    async def _post(self, body: Body, content: bytes, headers: dict[str, str], now: Instant) -> Verdict:
        try:
            status, retry_after = await self._connections.post(
                body.endpoint, content, headers, private=body.allow_private, timeout_s=self._timeout_s
            )
        except PrivateAddress:
            return _PRIVATE
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError):
            return _NO_URL
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Verdict(Outcome.RETRY_LATER, type(error).__name__)
        return judge_response(status, retry_after, now / 1000)


def _headers(keys: tuple[bytes, ...], message_id: str, stamp: int, content: bytes) -> dict[str, str]:
    """Standard Webhooks headers; while a key is being replaced, one signature by each of the two."""
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": " ".join(sign(key, message_id, stamp, content) for key in keys),
    }
    return headers | {tracing.HEADER: trace} if (trace := tracing.here()) else headers


def _is_url(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _payload(message: Message, contacts: list[dict[str, Any]]) -> dict[str, Any]:
    data = message.data | ({"contacts": contacts} if contacts else {})
    return {"type": message.type.value, "timestamp": _rfc3339(message.created_at), "data": data}


def _rfc3339(at: Instant) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
