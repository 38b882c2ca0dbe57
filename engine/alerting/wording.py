"""Alerting room: texts and words in one form, so that a word in a model meets the same word in a call."""

import unicodedata
from functools import cache, lru_cache
from hashlib import blake2b

import numpy as np

_FIRST_HAN, _LAST_HAN = 0x3400, 0x9FFF
_SKETCH_SIZE = 32


@cache
def _plain_characters() -> dict[int, int]:
    """Traditional → simplified, one character for one, from OpenCC's table; built once."""
    from opencc import OpenCC

    source = "".join(map(chr, range(_FIRST_HAN, _LAST_HAN + 1)))
    target: str = OpenCC("t2s").convert(source)
    if len(source) != len(target):
        return {}
    return {ord(old): ord(new) for old, new in zip(source, target, strict=True) if old != new}


def normalise(text: str) -> str:
    """Half width, lower case, simplified characters, without white space."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_plain_characters())
    return "".join(plain.lower().split())


def grams(text: str) -> set[str]:
    """All pairs of neighbouring characters and all single characters of a normalised text."""
    return {*map(str.__add__, text, text[1:]), *text}


def needle(word: str) -> str:
    """The gram by which the index looks a normalised word up: its first pair, or its one character."""
    return word[:2]


_SALTS = np.frombuffer(
    b"".join(blake2b(bytes([n]), digest_size=64).digest() for n in range(_SKETCH_SIZE // 8)), "<u4"
).reshape(2, -1)[:, :_SKETCH_SIZE, None]


@lru_cache(maxsize=256)
def sketch(text: str) -> str:
    """A min-hash of the text's character pairs, 64 hex digits; it cannot be turned back into the text."""
    characters = np.frombuffer(text.ljust(2, "\0").encode("utf-32-le", "replace"), "<u4")
    pairs = characters[:-1] * np.uint32(0x9E3779B1) + characters[1:]
    # Neighbouring code points must not stay neighbours, or the salted lines below keep their order.
    pairs ^= pairs >> np.uint32(15)
    pairs *= np.uint32(0x2C1B3C6D)
    pairs ^= pairs >> np.uint32(12)
    smallest = ((_SALTS[0] | np.uint32(1)) * pairs + _SALTS[1]).min(axis=1)
    lows: bytes = (smallest >> np.uint32(8)).astype(np.uint8).tobytes()
    return lows.hex()


def likeness(one: str, other: str) -> float:
    """Estimated share (0–1) of character pairs that two sketched texts have in common (Jaccard)."""
    if len(one) != len(other) or not one:
        return 0.0
    same = sum(a == b for a, b in zip(bytes.fromhex(one), bytes.fromhex(other), strict=True))
    by_chance = 1 / 256
    return max(0.0, (same / (len(one) // 2) - by_chance) / (1 - by_chance))
