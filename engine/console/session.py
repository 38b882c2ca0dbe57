"""Console room: who looks at a page. A bearer token typed once becomes a sealed cookie.

The cookie holds the token itself, encrypted and authenticated with a key derived from the city's privacy
key, and its end; each request asks the tokens file anew, so a token that was withdrawn opens nothing.
"""

import base64
import hashlib
import hmac
import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import HTTPConnection

from engine.console.forward import CLIENT_HEADER
from engine.http.tokens import LOOK, ROOM, Role, Tokens, Unknown, User
from engine.model.call import Instant

COOKIE = "fenliu_session"
LIVES_MS = 12 * 3_600_000
"""A shift and its handover; then the token is typed again."""
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody looking at a page. `demonstration` says that nobody asked for a token."""

    name: str
    role: Role
    body: str = ""
    demonstration: bool = False

    @property
    def acts(self) -> bool:
        """Acts for the command room."""
        return self.role in ROOM

    @property
    def looks(self) -> bool:
        """May see the whole city."""
        return self.role in LOOK

    @property
    def bare(self) -> bool:
        """Sees no personal data, not even masked."""
        return self.role not in ROOM and self.role is not Role.BODY


class Sessions:
    """Makes and reads the cookie. `open_console` lets loopback in as the dispatcher, for demonstrations."""

    def __init__(self, privacy_key: bytes, tokens: Tokens, *, open_console: bool) -> None:
        self._seal = AESGCM(hmac.new(privacy_key, b"fenliu console", hashlib.sha256).digest())
        self._tokens = tokens
        self._open = open_console

    def sign_in(self, token: str, now: Instant) -> str:
        """The cookie of a token; raises `Unknown`."""
        self._tokens.user(f"Bearer {token}")
        until, nonce = str(now + LIVES_MS), os.urandom(_NONCE)
        sealed = nonce + self._seal.encrypt(nonce, token.encode(), until.encode())
        return f"{until}.{base64.urlsafe_b64encode(sealed).decode()}"

    def viewer(self, request: HTTPConnection, now: Instant) -> Viewer | None:
        """Whoever asks; None when a token must be typed first."""
        signed = self._read(request.cookies.get(COOKIE, ""), now)
        if signed is not None:
            return Viewer(signed.name, signed.role, signed.body)
        # A name that somebody else's page was given for this address (DNS rebinding) opens nothing.
        if (
            self._open
            and _is_this_machine(request.headers.get("host", ""))
            and _is_loopback(request.headers.get(CLIENT_HEADER, ""))
        ):
            found = self._tokens.first(Role.DISPATCHER)
            return Viewer(found[1].name if found else "dispatcher", Role.DISPATCHER, demonstration=True)
        return None

    def _read(self, cookie: str, now: Instant) -> User | None:
        until, _, sealed = cookie.partition(".")
        if not until.isascii() or not until.isdigit() or int(until[:15]) < now:
            return None
        try:
            raw = base64.urlsafe_b64decode(sealed)
            token = self._seal.decrypt(raw[:_NONCE], raw[_NONCE:], until.encode()).decode()
            return self._tokens.user(f"Bearer {token}")
        except (ValueError, InvalidTag, Unknown):
            return None


def _is_this_machine(host: str) -> bool:
    """Whether a Host header names this machine by a name nobody else can point here."""
    try:
        named = urlsplit("//" + host).hostname or ""
    except ValueError:
        return False
    return named == "localhost" or _is_loopback(named)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
