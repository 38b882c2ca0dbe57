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
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import Fault, RulesRefused
from engine.strictyaml_plain import MAX_FAULTS, Key, Plain, plain_data, where
from engine.strictyaml_words import complaint

__all__ = ["Document", "Key", "Strict", "excerpt", "read", "read_text"]

M = TypeVar("M", bound=BaseModel)


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
        return Fault(where(self.name, _place(path, table) or _place(path, self.values)), what, right)


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
    data, plain = plain_data(text, name)
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


def _complaints(error: ValidationError, plain: Plain, schema: type[BaseModel]) -> Iterator[Fault]:
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
        fault = Fault(where(plain.name, place), what, right)
        if fault not in seen:
            seen.add(fault)
            yield fault


def _hides_others(loc: tuple[int | str, ...], locs: list[tuple[int | str, ...]]) -> bool:
    """Whether a list is only too short because its items have faults of their own."""
    return any(len(other) > len(loc) and other[: len(loc)] == loc for other in locs)


def _written(loc: tuple[int | str, ...], plain: Plain) -> Key:
    """A pydantic location without the parts that stand for alternatives of a type, not for the file."""
    path: Key = ()
    for part in loc:
        if (*path, part) in plain.values:
            path = (*path, part)
    return path


def _place(path: Key, table: dict[Key, tuple[int, int]]) -> tuple[int, int] | None:
    """Where `path` or the nearest thing around it stands."""
    return next((table[path[:n]] for n in range(len(path), -1, -1) if path[:n] in table), None)
