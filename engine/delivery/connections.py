"""The connections to bodies: a host is resolved once, judged, and the very address that was judged is connected to.

A name that answers "public" to a question and "private" a moment later (DNS rebinding) gains nothing by it. Redirects
are not followed and no proxy of the environment is used: httpcore knows neither.
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import anyio
import httpcore

_MOST_READ = 65_536
"""Bytes of an answer that are read so that its connection can be used again."""


class PrivateAddress(Exception):
    """The host resolves to an address that is not on the public net."""


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects only to public addresses."""

    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore asks
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises `PrivateAddress` when any address of the host is not public; nothing was sent then."""
        try:
            found = await anyio.to_thread.run_sync(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        if not addresses or not all(_public(address) for address in addresses):
            raise PrivateAddress
        return await self._first(addresses, port, timeout, local_address, socket_options)

    async def _first(self, addresses: list[str], port: int, *more: Any) -> httpcore.AsyncNetworkStream:
        """The first address that takes the connection."""
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, *more)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(addresses[-1], port, *more)

    async def sleep(self, seconds: float) -> None:
        """As httpcore asks for it between its own tries."""
        await self._inner.sleep(seconds)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _public(address: str) -> bool:
    """Whether an address is on the public net; an IPv4 address inside an IPv6 one is judged as what it is."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner: list[ipaddress.IPv4Address | ipaddress.IPv6Address | None] = [ip]
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped or ip, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return all(one is None or (one.is_global and not one.is_multicast and not one.is_reserved) for one in inner)


class Connections:
    """Kept-open connections: one pool for bodies that may be private, one that only knows the public net."""

    def __init__(self) -> None:
        self._anywhere = _pool(None)
        self._public = _pool(PublicOnly())

    async def close(self) -> None:
        """Let go of the connections."""
        await self._anywhere.aclose()
        await self._public.aclose()

    async def post(
        self, url: str, content: bytes, headers: dict[str, str], *, private: bool, timeout_s: float
    ) -> tuple[int, str]:
        """(status, Retry-After) of one POST. Raises what httpcore raises, `PrivateAddress`, `TimeoutError`."""
        pool = self._anywhere if private else self._public
        waits = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
        sent = pool.stream("POST", url, headers=list(headers.items()), content=content, extensions={"timeout": waits})
        with anyio.fail_after(timeout_s):  # of the whole try: a body that drips must not hold it for ever
            async with sent as answer:
                await _drain(answer)
                return answer.status, _header(answer.headers, b"retry-after")


def _pool(backend: httpcore.AsyncNetworkBackend | None) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        max_connections=200, max_keepalive_connections=100, keepalive_expiry=5.0, network_backend=backend
    )


async def _drain(answer: httpcore.Response) -> None:
    """Read a short answer to its end; a long one is left, and its connection with it."""
    read = 0
    async for part in answer.aiter_stream():
        read += len(part)
        if read > _MOST_READ:
            return


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")
