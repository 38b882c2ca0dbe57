"""How values are written down: JSON text, because the stored functions' MessagePack knows no byte strings."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_STR32 = b"\xdb"
"""MessagePack's mark of a text with a length of four bytes."""


def to_json(value: Any) -> str:
    """A frozen value as JSON text."""
    return _encoder.encode(value).decode()


def fields_of(found: Any) -> dict[bytes, Any]:
    """A hash as the server answers it, whatever shape the protocol version gives it."""
    return found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))


def packed(value: Any) -> msgspec.Raw:
    """A frozen value as JSON text inside the arguments of a stored function."""
    return packed_text(_encoder.encode(value))


def packed_text(written: bytes) -> msgspec.Raw:
    """UTF-8 bytes as a text inside the arguments of a stored function, without a way through `str` and back."""
    return msgspec.Raw(_STR32 + len(written).to_bytes(4, "big") + written)
