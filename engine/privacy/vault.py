"""One key, three uses: link by hash, seal, open."""

import base64
import hashlib
import hmac
import os
import unicodedata

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.model.call import Contact

_NONCE = 12


def normal_phone(phone: str) -> str:
    """Digits only, without the country's 86: one number, however it was written."""
    plain = phone.isascii() and phone.isdigit()
    digits = phone if plain else "".join(str(unicodedata.decimal(c)) for c in phone if c.isdecimal())
    if len(digits) > 11 and digits.startswith(("86", "0086")):
        digits = digits.removeprefix("00").removeprefix("86")
    return digits


def mask_phone(phone: str) -> str:
    """`138****5678`; a short number shows only its last two digits."""
    digits = normal_phone(phone)
    if len(digits) >= 7:
        return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 10 else f"****{digits[-2:]}"
    return "****" if phone else ""


def mask_name(name: str) -> str:
    """The family name alone: 王**."""
    name = name.strip()
    return name[:1] + "*" * min(len(name) - 1, 2) if name else ""


class Vault:
    """Holds the city's privacy key (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("the privacy key must be 32 bytes")
        self._hash = hmac.new(hmac.new(key, b"fenliu link", hashlib.sha256).digest(), digestmod="sha256")
        self._seal = AESGCM(hmac.new(key, b"fenliu seal", hashlib.sha256).digest())

    def hash_phone(self, phone: str) -> str:
        """Keyed hash of a number for linking, 20 hex digits; empty for no number."""
        digits = normal_phone(phone)
        if not digits:
            return ""
        found = self._hash.copy()
        found.update(digits.encode())
        return found.hexdigest()[:20]

    def seal(self, contact: Contact, call_id: str) -> str:
        """Encrypt for storage, bound to its call."""
        nonce = os.urandom(_NONCE)
        sealed = self._seal.encrypt(nonce, msgspec.json.encode(contact), call_id.encode())
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, call_id: str) -> Contact:
        """The clear contact; an empty one when it was erased, made with another key or for another call."""
        try:
            raw = base64.b64decode(sealed)
            clear = self._seal.decrypt(raw[:_NONCE], raw[_NONCE:], call_id.encode())
        except (ValueError, InvalidTag):
            return Contact()
        return msgspec.json.decode(clear, type=Contact)
