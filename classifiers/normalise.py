"""One text, one form: width, Traditional → Simplified, digits, before anything is read out of it.

Two forms of the same length are made by table look-up. `plain` keeps punctuation and digits (phrases,
amounts and places are read from it); `fold` is what the model sees: no punctuation, every digit is 0.
The table of Traditional characters was made with OpenCC (t2s, character by character) and a test holds
it to that; looking up costs 2 µs where OpenCC's own conversion costs 40.
"""

import unicodedata
from functools import cache
from pathlib import Path

from classifiers.fused import Form

_COMMA = "，"
_STOP = "。"
_COMMAS = ",;:、·~…—-_/|\\"
_STOPS = ".!?｡。\n\r"


@cache
def simplified() -> dict[str, str]:
    """Traditional character → Simplified character."""
    old, new = (Path(__file__).parent / "traditional.txt").read_text("utf-8").split()
    return dict(zip(old, new, strict=True))


def _width(char: str) -> str:
    """One character in its ordinary width, lower case; unchanged when that would take more than one."""
    wide = unicodedata.normalize("NFKC", char).lower()
    return wide if len(wide) == 1 else char


def _plain_char(code: int) -> str:
    if 0xD800 <= code < 0xE000:
        return " "
    char = _width(simplified().get(chr(code), chr(code)))
    if char in _STOPS:
        return _STOP
    if char in _COMMAS:
        return _COMMA
    return " " if char.isspace() or not char.isprintable() else simplified().get(char, char)


def _fold_char(char: str) -> str | None:
    """None drops the character: the model must not care whether somebody typed the punctuation."""
    if char.isdecimal():
        return "0"
    return char if char.isalnum() else None


def _folded(code: int) -> str | None:
    return _fold_char(plain(chr(code)))


plain = Form(_plain_char)
"""Simplified, half width, lower case, same length; pauses become `，`, ends `。`, blanks a space."""
fold = Form(_folded)
"""The form the model reads: `plain` without punctuation and blanks, every digit 0."""
