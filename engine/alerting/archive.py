"""Alerting room: archived calls, one JSON object a line, as facts in event time.

A line is what `POST /v1/calls` takes, plus what was decided then, flat or under `reading`, `decision`,
`place` and `links`: `{"call_id", "received_at", "text", "category", "township", "caller": {"hash"}, …}`.
Without a category the classifier reads the text again, when there is one.
"""

import contextlib
import gzip
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from engine.alerting.example_events import ReadText
from engine.alerting.facts import MAX_TEXT, NOTHING_READ, clock
from engine.alerting.fields import FIELDS, Kind, Moment
from engine.alerting.values import Facts
from engine.alerting.wording import normalise
from engine.errors import Fault, Refused
from engine.model.city import City
from engine.model.decision import Links

PARQUET = ".parquet"
ReadHistory = Callable[[Path], Iterator[bytes]]
"""Lines of one Parquet file of the history."""
MAX_LINE = 200_000
"""Bytes of one line; longer ones are no calls."""
_LINKED = ("same_caller", "same_place")
_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.FLAG: (bool,),
    Kind.NUMBER: (int, float),
    Kind.CHOICE: (str,),
    Kind.TREE: (str,),
    Kind.LIST: (list,),
}
_NAMES = tuple(
    (name, field.kind) for name, field in FIELDS.items() if Moment.CALL in field.moments and field.kind in _TYPES
)


@dataclass(frozen=True, slots=True)
class Archived:
    """One archived call."""

    facts: Facts
    links: Links
    text: str
    size: int
    """Bytes it took, for progress."""


class Archive:
    """Files of archived calls, read as a stream: memory does not grow with their length."""

    def __init__(
        self, files: list[Path], city: City, read: ReadText | None = None, history: ReadHistory | None = None
    ) -> None:
        self._files, self._city, self._read, self._history = spread(files), city, read, history
        plain = all(path.suffix not in (".gz", PARQUET) for path in self._files)
        self.size = sum(path.stat().st_size for path in self._files) if plain else 0
        """Bytes of all lines together; 0 = not known before they are read (they are packed)."""
        self.skipped: list[Fault] = []
        """The first faulty lines; `skips` counts all."""
        self.skips = 0

    def __iter__(self) -> Iterator[Archived]:
        for path in self._files:
            with contextlib.closing(rows(path, self._history)) as lines:
                yield from self._lines(path.name, lines)

    def _lines(self, name: str, lines: Iterable[bytes]) -> Iterator[Archived]:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                if len(line) > MAX_LINE:
                    raise ValueError(f"longer than {MAX_LINE} bytes")
                yield self._call(line)
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                self.skips += 1
                if len(self.skipped) < 20:
                    # The line itself may hold personal data; only the kind of trouble is told.
                    what = error.args[0] if type(error) is ValueError and error.args else type(error).__name__
                    self.skipped.append(Fault(f"{name}:{number}", f"not a call: {str(what)[:80]}"))

    def _call(self, line: bytes) -> Archived:
        row = msgspec.json.decode(line)
        if not isinstance(row, dict):
            raise ValueError("a line is one JSON object")
        row = flat(row)
        at = _instant(row.get("received_at"))
        text = str(row.get("text") or "")[:MAX_TEXT]
        values = {
            "matter": "",
            **NOTHING_READ,
            **self._reading(row, text),
            **_given(row),
            **clock(at, self._city.calendar),
        }
        values["text"] = normalise(text)
        location = row.get("location")
        post = location.get("post_id") if isinstance(location, dict) else None
        if isinstance(post, str) and post:
            values["post_id"] = post
        caller = _caller(row.get("caller"))
        if caller:
            values["caller"] = caller
        values.setdefault("spot", values.get("post_id") or values.get("place") or values.get("address") or "")
        if not values["spot"]:
            del values["spot"]
        id_ = str(row.get("call_id") or blake2b(line, digest_size=8).hexdigest())
        return Archived(Facts(id_, (id_,), at, Moment.CALL, values, {"text": text}), _links(row), text, len(line))

    def _reading(self, row: dict[str, Any], text: str) -> dict[str, Any]:
        if self._read is None or row.get("category") or not text:
            return {}
        reading = self._read(text, channel=str(row.get("channel") or "110"), location=None)
        signs = {name: getattr(reading.signs, name) for name in reading.signs.__struct_fields__}
        read = {"category": reading.category, "matter": str(reading.matter), "danger": reading.danger}
        return {**signs, **read, "review": reading.review, "confidence": reading.confidence}


def spread(files: list[Path]) -> list[Path]:
    """Folders of the history as the files in them, those archived first before the others."""
    return [file for path in files for file in (sorted(path.rglob(f"*{PARQUET}")) if path.is_dir() else [path])]


def rows(path: Path, history: ReadHistory | None) -> Generator[bytes, None, None]:
    """Lines of a file: plain, packed (.gz), or a file of the history (.parquet). Raises Refused without a reader."""
    if path.suffix == PARQUET:
        if history is None:
            raise Refused(Fault(path.name, "no history can be read here", "give files with one JSON object a line"))
        yield from history(path)
        return
    with path.open("rb") as file:
        yield from gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """Nested parts of an archived outcome brought to one level; what stands outside wins."""
    for part in ("call", "outcome", "reading", "decision", "signs", "place", "links"):
        inner = row.get(part)
        if isinstance(inner, dict):
            row = {**inner, **{name: value for name, value in row.items() if name != part}}
    return row


def _given(row: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, kind in _NAMES:
        value = row.get(name)
        if value is None or value == "" or name == "text":
            continue
        if isinstance(value, _TYPES[kind]) and not (kind is Kind.NUMBER and isinstance(value, bool)):
            given[name] = tuple(map(str, value)) if isinstance(value, list) else value
    if isinstance(row.get("address_key"), str) and row["address_key"]:
        given["address"] = row["address_key"]
    if isinstance(row.get("place_id"), str) and row["place_id"]:
        given["place"] = row["place_id"]
    extra = row.get("extra")
    if isinstance(extra, dict):
        given.update((f"extra.{name}", value) for name, value in list(extra.items())[:50])
    return given


def _caller(value: Any) -> str:
    """The kept hash, or a hash of what stands there: archives of the call centre may hold numbers."""
    if isinstance(value, dict):
        if isinstance(value.get("hash"), str) and value["hash"]:
            return str(value["hash"])
        value = value.get("phone")
    return blake2b(value.encode(), digest_size=8).hexdigest() if isinstance(value, str) and value else ""


def _links(row: dict[str, Any]) -> Links:
    counts = {name: value for name in _LINKED if isinstance(value := row.get(name), int)}
    return Links(
        same_caller=counts.get("same_caller", 0),
        same_place=counts.get("same_place", 0),
        duplicate_of=str(row.get("duplicate_of") or ""),
        dossier_id=str(row.get("dossier_id") or ""),
    )


def _instant(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 43:
        return value
    if not isinstance(value, str):
        raise ValueError("received_at is missing")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("received_at needs an offset such as +08:00")
    return int(moment.timestamp() * 1000)


def instant_of(name: str, text: str, tz: str) -> int:
    """An RFC 3339 time, or a plain date or time in the city's zone `tz`, as milliseconds. Raises Refused."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        right = "write 2026-03-01 or 2026-03-01T08:00+08:00"
        raise Refused(Fault(f"--{name}", f'"{text[:40]}" is no time', right)) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(tz))
    return int(moment.timestamp() * 1000)
