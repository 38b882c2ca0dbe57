"""Alerting room: conditions on words. Regular expressions only by RE2, which cannot be made to hang."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

from engine.alerting.conditions_schema import Near, Wording
from engine.alerting.nodes import Leaf
from engine.alerting.values import Values
from engine.alerting.wording import normalise

REGEX_MEMORY = 1 << 20
"""Bytes one compiled pattern may take; `a{1000}{1000}` is refused for it."""


@lru_cache(maxsize=4096)
def compile_regex(pattern: str) -> Any:
    """An RE2 pattern with bounded memory. Raises ValueError in the form `what — right`."""
    options = re2.Options()
    options.max_mem = REGEX_MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        told = error.args[0] if error.args else ""
        text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        raise ValueError(f"not a regular expression: {text[:120]} — RE2 syntax, no look-around") from None


def wording_leaves(shape: Wording, path: tuple[str | int, ...]) -> Iterator[Leaf]:
    """The leaves of one `text:` condition; all must hold."""
    if shape.any_of is not None:
        yield _any_of(shape.any_of, (*path, "any_of"))
    for word in shape.all_of or ():
        yield _one(word, (*path, "all_of"))
    if shape.none_of is not None:
        yield _none_of(shape.none_of, (*path, "none_of"))
    if shape.near is not None:
        yield _near(shape.near, (*path, "near"))
    if shape.regex is not None:
        yield _regex(shape.regex, (*path, "regex"))


def _any_of(written: list[str], path: tuple[str | int, ...]) -> Leaf:
    words = tuple(dict.fromkeys(map(normalise, written)))

    def held(values: Values) -> bool:
        text = values.get("text", "")
        for word in words:  # noqa: SIM110 - a generator costs three times as much here
            if word in text:
                return True
        return False

    return Leaf("text", _quoted("有", written), held, path, words=frozenset(words))


def _one(written: str, path: tuple[str | int, ...]) -> Leaf:
    word = normalise(written)
    asks = f"有“{written}”"
    return Leaf("text", asks, lambda values: word in values.get("text", ""), path, words=frozenset({word}))


def _none_of(written: list[str], path: tuple[str | int, ...]) -> Leaf:
    words = tuple(map(normalise, written))
    asks = _quoted("没有", written)
    return Leaf(
        "text",
        asks,
        lambda values: "text" in values and not any(word in values["text"] for word in words),
        path,
    )


def _near(shape: Near, path: tuple[str | int, ...]) -> Leaf:
    words, within = tuple(map(normalise, shape.words)), shape.within
    return Leaf(
        "text",
        f"{within}字之内有" + "、".join(f"“{word}”" for word in shape.words),
        lambda values: close_together(values.get("text", ""), words, within),
        path,
        words=frozenset({max(words, key=len)}),
    )


def _regex(patterns: list[str], path: tuple[str | int, ...]) -> Leaf:
    compiled = tuple(map(compile_regex, patterns))
    return Leaf(
        "text",
        "符合表达式 " + " 或 ".join(patterns),
        lambda values: any(each.search(values.get("text", "")) is not None for each in compiled),
        path,
    )


def close_together(text: str, words: tuple[str, ...], within: int) -> bool:
    """Whether all words stand inside some stretch of `within` characters.

    The stretch may be taken to begin where one of the words begins.
    """
    places = [_places(text, word) for word in words]
    if not all(places):
        return False
    for start in sorted({begin for each in places for begin, _ in each}):
        ends = [min((end for begin, end in each if begin >= start), default=-1) for each in places]
        if min(ends) >= 0 and max(ends) - start <= within:
            return True
    return False


def _places(text: str, word: str, most: int = 20) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    begin = text.find(word)
    while begin >= 0 and len(found) < most:
        found.append((begin, begin + len(word)))
        begin = text.find(word, begin + 1)
    return found


def _quoted(verb: str, words: list[str]) -> str:
    shown = "、".join(f"“{word}”" for word in words[:8])
    return f"{verb}{shown}" + ("等" if len(words) > 8 else "")
