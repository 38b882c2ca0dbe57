"""Text of YAML to plain data, with the place of every value; what a person can hardly mean is refused.

Works on parser events, so that depth, aliases, tags and double keys are seen before anything is built of them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from engine.errors import Fault, RulesRefused

Key = tuple[str | int, ...]
"""Path of a value inside a document, e.g. `("duties", 3, "bodies")`."""

MAX_DEPTH = 40
MAX_FAULTS = 200
"""Beyond this a list of faults helps nobody."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What YAML calls unprintable, line breaks that editors do not count, marks that reverse reading order.
_UNWANTED = re.compile(
    "[^\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)"
)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,20}([eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(slots=True)
class Plain:
    """Plain data under construction, with the places of its parts and the faults met on the way."""

    name: str
    values: dict[Key, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Key, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add(self, mark: Any, what: str, right: str) -> None:
        """Note one fault at a parser's mark."""
        self.faults.append(Fault(where(self.name, (mark.line + 1, mark.column + 1)), what, right))


class _StopError(Exception):
    """Reading on makes no sense; the faults so far are all there is."""


def plain_data(text: str, name: str) -> tuple[Any, Plain]:
    """Text to plain data. All faults of its form are raised together."""
    text = text.removeprefix("\ufeff")
    plain = Plain(name)
    if unwanted := list(_unwanted(text, name)):
        raise RulesRefused(*unwanted)
    data = None
    try:
        data = _document(yaml.parse(text, Loader=_LOADER), plain)
    except _StopError:
        pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = error.problem or "not YAML"
        plain.faults.append(Fault(where(name, place), f"not YAML: {what}", error.context or ""))
    except yaml.YAMLError:
        plain.faults.append(Fault(f"{name}:1:1", "not YAML"))
    if plain.faults:
        raise RulesRefused(*plain.faults[:MAX_FAULTS])
    return data, plain


def _unwanted(text: str, name: str) -> Iterator[Fault]:
    """Tabs and invisible characters, the first of each line."""
    for number, line in enumerate(text.split("\n"), 1):
        if number == MAX_FAULTS:
            return
        if found := _UNWANTED.search(line + "\n"):
            where = f"{name}:{number}:{found.start() + 1}"
            if found[0] == "\t":
                yield Fault(where, "a tab", "use spaces")
            else:
                yield Fault(where, f"an invisible character U+{ord(found[0][0]):04X}", "delete it")


def _document(events: Iterator[Any], plain: Plain) -> Any:
    next(events)  # stream start
    start = next(events)
    if isinstance(start, yaml.StreamEndEvent):
        plain.add(start.start_mark, "the file is empty", "")
        raise _StopError
    data = _value(next(events), events, (), plain)
    next(events)  # document end
    if not isinstance(more := next(events), yaml.StreamEndEvent):
        plain.add(more.start_mark, "a second document begins here", "one file holds one document")
    return data


def _value(event: Any, events: Iterator[Any], path: Key, plain: Plain) -> Any:
    """The value that begins with `event`."""
    plain.values[path] = (event.start_mark.line + 1, event.start_mark.column + 1)
    _refuse_shorthand(event, plain)
    if len(path) >= MAX_DEPTH:
        plain.add(event.start_mark, f"nested deeper than {MAX_DEPTH}", "write it flatter")
        raise _StopError
    if isinstance(event, yaml.SequenceStartEvent):
        return _list(events, path, plain)
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events, path, plain)
    return _scalar(event) if isinstance(event, yaml.ScalarEvent) else None


def _refuse_shorthand(event: Any, plain: Plain) -> None:
    if isinstance(event, yaml.AliasEvent):
        plain.add(event.start_mark, f"an alias *{event.anchor}", "write the value out")
    elif event.anchor:
        plain.add(event.start_mark, f"an anchor &{event.anchor}", "write the value out where it is needed")
    elif event.tag:
        plain.add(event.start_mark, f"a tag {event.tag}", "leave the tag out")


def _list(events: Iterator[Any], path: Key, plain: Plain) -> list[Any]:
    items: list[Any] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(_value(event, events, (*path, len(items)), plain))
    return items


def _mapping(events: Iterator[Any], path: Key, plain: Plain) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _key(event, plain)
        if key in found:
            plain.add(event.start_mark, f'"{key}" stands here twice', "keep one of them")
        else:
            plain.keys[(*path, key)] = (event.start_mark.line + 1, event.start_mark.column + 1)
        found[key] = _value(next(events), events, (*path, key), plain)
    return found


def _key(event: Any, plain: Plain) -> str:
    _refuse_shorthand(event, plain)
    if not isinstance(event, yaml.ScalarEvent):
        plain.add(event.start_mark, "a key that is not a word", "a key is text followed by a colon")
        raise _StopError
    return _text(event.value)


def _scalar(event: Any) -> Any:
    """The value of a word: a number, true, false, null or text. Quoted words are text."""
    word = _text(event.value)
    if not event.implicit[0]:
        return word
    if word in _WORDS:
        return _WORDS[word]
    if _INT.fullmatch(word):
        return int(word)
    return float(word) if _FLOAT.fullmatch(word) else word


def _text(word: str) -> str:
    # An escape such as "\ud800" makes half a character that no other program takes.
    return word.encode("utf-8", errors="replace").decode("utf-8")


def where(name: str, place: tuple[int, int] | None) -> str:
    """`file:line:column`; only the file when the place is not known."""
    return f"{name}:{place[0]}:{place[1]}" if place else name
