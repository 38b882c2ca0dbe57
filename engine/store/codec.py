"""How values are written down: JSON text; what the stored functions read of it stands beside it in MessagePack."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_pack = msgspec.msgpack.Encoder().encode
_SHORT = 16
"""From so many values on a list's own mark takes three bytes and not one."""


def to_json(value: Any) -> str:
    """A frozen value as JSON text."""
    return _encoder.encode(value).decode()


def fields_of(found: Any) -> dict[bytes, Any]:
    """A hash as the server answers it, whatever shape the protocol version gives it."""
    return found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))


def to_bytes(value: Any) -> bytes:
    """A frozen value as JSON text in UTF-8."""
    return _encoder.encode(value)


def row(*values: Any) -> bytes:
    """Values one after the other as MessagePack: the stored functions read them without making a table of them."""
    made = _pack(values)
    return made[1:] if len(values) < _SHORT else made[3:]
