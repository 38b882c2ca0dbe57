"""How values are written down: JSON text, because the stored functions' MessagePack knows no byte strings."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()


def to_json(value: Any) -> str:
    """A frozen value as JSON text."""
    return _encoder.encode(value).decode()
