"""Strict YAML for everybody who reads a file a person wrote: one schema, all faults at once, each located.

Only what a person means survives: no duplicate keys, tabs, anchors, tags or second documents. Plain words
are numbers, `true`, `false`, `null` or text; `yes`, `on`, `1:30`, `007` and `2026-01-01` stay text. Keys are
always text.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import Fault, RulesRefused
from engine.strictyaml_words import complaint

M = TypeVar("M", bound=BaseModel)
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


class Strict(BaseModel):
    """Base of every schema: exact types, no unknown key, frozen."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Document(Generic[M]):
    """A file that fits its schema, and where each of its values stands (for checks that come after)."""

    value: M
    name: str
    values: dict[Key, tuple[int, int]] = field(repr=False)
    """(line, column) of each value, both from 1."""
    keys: dict[Key, tuple[int, int]] = field(repr=False)
    """(line, column) of the key that leads to each value of a mapping."""

    def fault(self, path: Key, what: str, right: str = "", *, key: bool = False) -> Fault:
        """A fault at the value at `path` (`key`: at its key), or at the nearest value around it."""
        table = self.keys if key else self.values
        return Fault(_where(self.name, _place(path, table) or _place(path, self.values)), what, right)


@dataclass(slots=True)
class _Plain:
    """Plain data under construction, with the places of its parts and the faults met on the way."""

    name: str
    values: dict[Key, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Key, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add(self, mark: Any, what: str, right: str) -> None:
        """Note one fault at a parser's mark."""
        self.faults.append(Fault(_where(self.name, (mark.line + 1, mark.column + 1)), what, right))


class _StopError(Exception):
    """Reading on makes no sense; the faults so far are all there is."""


def read(path: Path, schema: type[M], *, max_bytes: int = 2_000_000, name: str = "") -> Document[M]:
    """The file at `path` as `schema`; faults call it `name` (its file name when empty).

    Raises `RulesRefused` with every fault found, and nothing else.
    """
    name = name or path.name
    try:
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise RulesRefused(Fault(name, f"the file cannot be read: {reason}")) from None
    if len(raw) > max_bytes:
        raise RulesRefused(Fault(f"{name}:1:1", f"the file is larger than {max_bytes} bytes", "split it"))
    return read_text(_decoded(raw, name), name, schema)


def read_text(text: str, name: str, schema: type[M]) -> Document[M]:
    """`text` as `schema`; faults call it `name`. Raises `RulesRefused` with every fault found."""
    data, plain = _plain(text, name)
    try:
        # Through JSON, because pydantic's strict JSON mode takes lists for tuples and words for enums.
        value = schema.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise RulesRefused(*list(_complaints(error, plain, schema))[:MAX_FAULTS]) from None
    return Document(value, name, plain.values, plain.keys)


def excerpt(source: Path | str, fault: Fault) -> str:
    """The line a fault speaks of with a caret below its column; empty when the fault names no line.

    `source` is the file or its text. Wide characters count two columns, so that the caret stands right.
    """
    found = re.search(r":(\d+):(\d+)$", fault.where)
    if not found:
        return ""
    text = source.read_text("utf-8", errors="replace") if isinstance(source, Path) else source
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    number, column = int(found[1]), int(found[2])
    line = lines[number - 1] if number <= len(lines) else ""
    line = line.replace("\t", " ")
    pad = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line[: column - 1])
    return f"{number:5} | {line}\n      | {' ' * pad}^"


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", errors="replace")) + 1
        fault = Fault(f"{name}:{line}:{column}", "this is not UTF-8", "save the file as UTF-8")
        raise RulesRefused(fault) from None


def _plain(text: str, name: str) -> tuple[Any, _Plain]:
    """Text to plain data. All faults of its form are raised together."""
    text = text.removeprefix("\ufeff")
    plain = _Plain(name)
    if unwanted := list(_unwanted(text, name)):
        raise RulesRefused(*unwanted)
    data = None
    try:
        data = _document(yaml.parse(text, Loader=_LOADER), plain)
    except _StopError:
        pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = error.problem or "not YAML"
        plain.faults.append(Fault(_where(name, where), f"not YAML: {what}", error.context or ""))
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


def _document(events: Iterator[Any], plain: _Plain) -> Any:
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


def _value(event: Any, events: Iterator[Any], path: Key, plain: _Plain) -> Any:
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


def _refuse_shorthand(event: Any, plain: _Plain) -> None:
    if isinstance(event, yaml.AliasEvent):
        plain.add(event.start_mark, f"an alias *{event.anchor}", "write the value out")
    elif event.anchor:
        plain.add(event.start_mark, f"an anchor &{event.anchor}", "write the value out where it is needed")
    elif event.tag:
        plain.add(event.start_mark, f"a tag {event.tag}", "leave the tag out")


def _list(events: Iterator[Any], path: Key, plain: _Plain) -> list[Any]:
    items: list[Any] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(_value(event, events, (*path, len(items)), plain))
    return items


def _mapping(events: Iterator[Any], path: Key, plain: _Plain) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _key(event, plain)
        if key in found:
            plain.add(event.start_mark, f'"{key}" stands here twice', "keep one of them")
        else:
            plain.keys[(*path, key)] = (event.start_mark.line + 1, event.start_mark.column + 1)
        found[key] = _value(next(events), events, (*path, key), plain)
    return found


def _key(event: Any, plain: _Plain) -> str:
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


def _complaints(error: ValidationError, plain: _Plain, schema: type[BaseModel]) -> Iterator[Fault]:
    """Pydantic's errors as faults; the same words at the same place only once."""
    seen: set[Fault] = set()
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "too_short" and _hides_others(detail["loc"], [each["loc"] for each in details]):
            continue
        path = _written(detail["loc"], plain)
        unknown = detail["type"] == "extra_forbidden"
        place = (plain.keys if unknown else plain.values).get(path) or plain.values[()]
        what, right = complaint(dict(detail), schema, path)
        fault = Fault(_where(plain.name, place), what, right)
        if fault not in seen:
            seen.add(fault)
            yield fault


def _hides_others(loc: tuple[int | str, ...], locs: list[tuple[int | str, ...]]) -> bool:
    """Whether a list is only too short because its items have faults of their own."""
    return any(len(other) > len(loc) and other[: len(loc)] == loc for other in locs)


def _written(loc: tuple[int | str, ...], plain: _Plain) -> Key:
    """A pydantic location without the parts that stand for alternatives of a type, not for the file."""
    path: Key = ()
    for part in loc:
        if (*path, part) in plain.values:
            path = (*path, part)
    return path


def _place(path: Key, table: dict[Key, tuple[int, int]]) -> tuple[int, int] | None:
    """Where `path` or the nearest thing around it stands."""
    return next((table[path[:n]] for n in range(len(path), -1, -1) if path[:n] in table), None)


def _where(name: str, place: tuple[int, int] | None) -> str:
    return f"{name}:{place[0]}:{place[1]}" if place else name
