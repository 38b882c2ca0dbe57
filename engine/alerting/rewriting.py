"""Alerting room: a model's text with one of its first-level words changed; comments and everything else stay. Pure."""

import json
import re

from engine.errors import Fault, Refused

_PLAIN = re.compile(r"[^\W\d_]\w*")
_WORDS_OF_YAML = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def with_word(text: str, key: str, value: str | int, *, after: str = "author") -> str:
    """`key: value` on the first level; a key that is not there is put below `after`.

    Raises `Refused` when the key's value spreads over several lines: then only a person may change it.
    """
    line = f"{key}: {_quoted(value)}"
    found = _line_of(text, key)
    if found is None:
        below = _line_of(text, after)
        at = below.end() if below else len(text.rstrip("\n"))
        return f"{text[:at]}\n{line}{text[at:]}" if below else f"{text[:at]}\n{line}\n"
    _refuse_long(text, key, found)
    comment = re.search(r"[ \t]+#.*$", found[1])
    return text[: found.start()] + line + (comment[0] if comment else "") + text[found.end() :]


def without_word(text: str, key: str) -> str:
    """The text without a first-level word. Raises `Refused` as `with_word` does."""
    found = _line_of(text, key)
    if found is None:
        return text
    _refuse_long(text, key, found)
    return text[: found.start()] + text[found.end() + 1 :]


def word(text: str, key: str) -> str:
    """A first-level word as it stands there, without quotes and comment; empty when it is not there."""
    found = _line_of(text, key)
    return re.sub(r"[ \t]+#.*$", "", found[1]).strip().strip("'\"") if found else ""


def _line_of(text: str, key: str) -> "re.Match[str] | None":
    return re.search(rf"^{key}[ \t]*:[ \t]*([^\r\n]*)$", text, re.MULTILINE)


def _refuse_long(text: str, key: str, found: "re.Match[str]") -> None:
    rest = text[found.end() + 1 :]
    if not found[1].strip() or found[1].lstrip()[:1] in "|>" or rest[:1] in (" ", "\t"):
        line = text[: found.start()].count("\n") + 1
        raise Refused(Fault(f"{key}:{line}:1", f"`{key}` spreads over several lines", f"write `{key}: …` on one line"))


def _quoted(value: str | int) -> str:
    plain = isinstance(value, int) or (_PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML)
    return str(value) if plain else json.dumps(value, ensure_ascii=False)
