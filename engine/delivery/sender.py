"""One try: open the sealed contact for the body that must act, sign, post, judge the answer."""

import ipaddress
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import msgspec

from engine.delivery.plan import Outcome, Verdict, judge_response
from engine.errors import FenliuError
from engine.model.call import Instant
from engine.model.city import Body
from engine.model.message import Message
from engine.model.webhook import sign

_encode = msgspec.json.Encoder().encode
_NO_ENDPOINT = Verdict(Outcome.SENT, "no endpoint: the body pulls its orders")


class Sender:
    """Posts messages. `secret_of` gives a body's signing key, or raises a `FenliuError` saying what is missing."""

    def __init__(self, secret_of: Callable[[Body], bytes], *, timeout_s: float = 10.0) -> None:
        self._secret_of = secret_of
        self._timeout_s = timeout_s
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=100)
        self._http = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, limits=limits, trust_env=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def send(self, message: Message, body: Body, contacts: list[dict[str, Any]], now: Instant) -> Verdict:
        """One signed POST. `contacts` are clear and leave this process only here; nothing is logged of them."""
        if not body.endpoint:
            return _NO_ENDPOINT
        content = _encode(_payload(message, contacts))
        stamp = now // 1000
        try:
            key = self._secret_of(body)
        except FenliuError as error:
            return Verdict(Outcome.RETRY_LATER, str(error))
        headers = {
            "content-type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(key, message.message_id, stamp, content),
        }
        try:
            if not body.allow_private and await _is_private(body.endpoint):
                return Verdict(Outcome.REFUSED, "the endpoint is a private address; the body table does not allow it")
            with anyio.fail_after(self._timeout_s):  # of the whole try: a body that drips must not hold it for ever
                answer = await self._http.post(body.endpoint, content=content, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            return Verdict(Outcome.RETRY_LATER, type(error).__name__)
        except (httpx.InvalidURL, ValueError):
            return Verdict(Outcome.REFUSED, "the endpoint in the body table is no URL")
        return judge_response(answer.status_code, answer.headers.get("retry-after", ""), now / 1000)


def _payload(message: Message, contacts: list[dict[str, Any]]) -> dict[str, Any]:
    data = message.data | ({"contacts": contacts} if contacts else {})
    return {"type": message.type.value, "timestamp": _rfc3339(message.created_at), "data": data}


def _rfc3339(at: Instant) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


async def _is_private(endpoint: str) -> bool:
    """Whether any address of the endpoint's host is not public (no requests into our own network)."""
    host = urlsplit(endpoint).hostname or ""
    try:
        found = await anyio.to_thread.run_sync(lambda: socket.getaddrinfo(host, None))
    except OSError:
        return False  # it will fail as a temporary error when posted
    return any(not _public(str(info[4][0])) for info in found)


def _public(address: str) -> bool:
    """Whether an address is on the public net; an IPv4 address written as IPv6 is judged as what it is."""
    ip = ipaddress.ip_address(address)
    mapped = getattr(ip, "ipv4_mapped", None)
    return bool((mapped or ip).is_global) and not ip.is_multicast
