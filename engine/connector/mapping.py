"""Values of one interface as values of the other. Pure: a message, a table, a request."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.connector.schema import Callback, ConnectorFile, Source, Translated
from engine.errors import Fault, Refused

_IN_PATH = re.compile(r"\{(\$[^}]*)\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._~|@:-]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the other system."""

    method: str
    path: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """An event on one of our orders."""

    order_id: str
    event: dict[str, Any]
    key: str


def request_of(file: ConnectorFile, message: Mapping[str, Any]) -> Asked | None:
    """What to ask of them for one of our messages; None for types the table does not name."""
    how = file.send.get(str(message.get("type")))
    if how is None:
        return None
    path = _IN_PATH.sub(lambda found: _safe(read(message, found[1])), how.path)
    return Asked(how.method, path, {name: value(source, message) for name, source in how.body.items()})


def event_of(callback: Callback, told: Mapping[str, Any]) -> Told:
    """The event that a callback means. Raises `Refused` naming the field that will not do."""
    order = read(told, callback.order_id)
    word = read(told, callback.event)
    row = callback.rows.get(str(word))
    faults = []
    if not isinstance(order, str) or not order or _UNSAFE.search(order):
        faults.append(Fault(callback.order_id, "is no order of ours", "the number we sent"))
    if row is None:
        faults.append(Fault(callback.event, f"{str(word)[:40]!r} is not in the table", ", ".join(callback.rows)))
    if faults or row is None:
        raise Refused(*faults)
    note = read(told, callback.note) if callback.note else ""
    data = {name: value(source, told) for name, source in row.data.items()}
    event = {
        "type": row.event,
        "note": str(note or "")[:2000],
        "data": {k: v for k, v in data.items() if v is not None},
    }
    return Told(str(order), event, _key(read(told, callback.key)) if callback.key else "")


def value(source: Source, told: Mapping[str, Any]) -> Any:
    """One value: read, translated, or standing for itself."""
    if isinstance(source, Translated):
        return source.map.get(str(read(told, source.from_)), source.otherwise)
    return read(told, source) if isinstance(source, str) and source.startswith("$.") else source


def read(told: Any, path: str) -> Any:
    """The value at `$.a.b.0`; None where there is none."""
    for part in path.removeprefix("$.").split("."):
        if isinstance(told, Mapping):
            told = told.get(part)
        elif isinstance(told, list) and part.isdigit() and int(part) < len(told):
            told = told[int(part)]
        else:
            return None
    return told


def _key(found: Any) -> str:
    """Their id of a callback in letters that a header may hold; another id is another key."""
    return hashlib.blake2b(str(found).encode(), digest_size=16).hexdigest()


def _safe(found: Any) -> str:
    return _UNSAFE.sub("_", str(found))
