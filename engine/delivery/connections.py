"""The connections to bodies: a host is resolved once, judged, and the very address that was judged is connected to.

A name that answers "public" to a question and "private" a moment later (DNS rebinding) gains nothing by it. Redirects
are not followed, no proxy of the environment is used, cookies are not kept, answers are not unpacked.
"""

import ipaddress
import socket
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

_MOST_READ = 65_536
"""Bytes of an answer that are read so that its connection can be used again."""
_MOST_CONNECTIONS = 200
_KEPT_S = 4.0
"""How long an idle connection is kept: shorter than the five seconds after which common servers let go of theirs."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PrivateAddress(Exception):
    """The host is or resolves to an address that is not on the public net."""


class PublicOnly(AbstractResolver):
    """Names whose addresses are all public."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises `PrivateAddress` when any address of the host is not public; nothing was sent then."""
        found = await self._inner.resolve(host, port, family)
        if not all(_public(one["host"]) for one in found):
            raise PrivateAddress
        return found

    async def close(self) -> None:
        """As the connector asks for it."""
        await self._inner.close()


def _public_socket(info: tuple[Any, ...]) -> socket.socket:
    """A socket for one address. An endpoint that is an address itself asks no resolver and is judged here."""
    family, kind, protocol, _, address = info
    if not _public(str(address[0])):
        raise PrivateAddress
    return socket.socket(family, kind, protocol)


def _public(address: str) -> bool:
    """Whether an address is on the public net; an IPv4 address inside an IPv6 one is judged as what it is."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # an old way of writing an address, which the system would understand
        return False
    inner: list[ipaddress.IPv4Address | ipaddress.IPv6Address | None] = [ip]
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped or ip, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return all(one is None or (one.is_global and not one.is_multicast and not one.is_reserved) for one in inner)


class Connections:
    """Kept-open connections: one pool for bodies that may be private, one that only knows the public net."""

    def __init__(self) -> None:
        self._pools: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Let go of the connections."""
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()

    async def post(
        self, url: str, content: bytes, headers: dict[str, str], *, private: bool, timeout_s: float
    ) -> tuple[int, str]:
        """(status, Retry-After) of one POST that may take `timeout_s` from its first to its last byte.

        Raises what aiohttp raises, `PrivateAddress`, `TimeoutError`.
        """
        if private not in self._pools:  # made at the first use: it belongs to the loop that runs then
            self._pools[private] = _pool(private=private)
        limit = aiohttp.ClientTimeout(total=timeout_s)
        async with self._pools[private].post(
            url, data=content, headers=headers, allow_redirects=False, timeout=limit
        ) as answer:
            await _drain(answer)
            return answer.status, answer.headers.get("retry-after", "")


def _pool(*, private: bool) -> aiohttp.ClientSession:
    common: dict[str, Any] = {"limit": _MOST_CONNECTIONS, "keepalive_timeout": _KEPT_S}
    if not private:
        common |= {"resolver": PublicOnly(), "socket_factory": _public_socket}
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(**common), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end; a long one is left, and its connection with it."""
    read = 0
    async for part in answer.content.iter_any():
        read += len(part)
        if read > _MOST_READ:
            return
