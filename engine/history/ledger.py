"""Asking: SQL over the history's files together with what is still in the store, as one view per kind.

Views `calls`, `orders`, `alerts` hold the flat columns; a record that is in the store goes before its copy in a file.
Read the store before the folder is opened: a record moves only that way, so none can be missed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import msgspec

from engine.history.folder import History
from engine.history.shape import table_of

_THREADS = 2
_MEMORY = "512MB"
_NAMED = re.compile(r"\$([a-z]+)")
Live = Mapping[str, Sequence[Mapping[str, Any]]]
"""Kind → rows of flat columns, as the store has them now."""


class Ledger:
    """One reading of everything up to now. Not for several threads at once."""

    def __init__(self, history: History, live: Live, *, since: str = "") -> None:
        """`since`: the oldest local date asked about; files archived before it are not opened."""
        self._history = history
        self._db = duckdb.connect(":memory:", config={"threads": _THREADS, "memory_limit": _MEMORY})
        for kind in ("call", "order", "alert"):
            self._view(kind, live.get(kind, ()), since)

    def _view(self, kind: str, rows: Sequence[Mapping[str, Any]], since: str) -> None:
        columns = self._history.columns[kind]
        self._db.register(f"live_{kind}", table_of(columns, rows, whole=False))
        files = [f for f in self._history.files(kind) if f.parent.name >= since]
        names = ", ".join(f'"{c}"' for c in columns)
        parts = [f"SELECT {names} FROM live_{kind}"]  # noqa: S608 - names of ours
        fresh = self._history.fresh(files)
        if settled := [f for f in files if f not in fresh]:
            parts.append(f"SELECT {names} FROM {_read(settled)}")  # noqa: S608 - names of ours
        if fresh:
            parts.append(f"SELECT {names} FROM {_read(fresh)} WHERE id NOT IN (SELECT id FROM live_{kind})")  # noqa: S608 - as above
        self._db.execute(f"CREATE VIEW {kind}s AS " + " UNION ALL ".join(parts))

    def ask(self, sql: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of one question as dictionaries; `$name` in the question is taken from `values`."""
        asked = {name: (values or {})[name] for name in _NAMED.findall(sql)}
        found = self._db.execute(sql, asked) if asked else self._db.execute(sql)
        names = [d[0] for d in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def close(self) -> None:
        """Let go of everything."""
        self._db.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _read(files: Iterable[Path]) -> str:
    listed = ", ".join("'" + str(f).replace("'", "''") + "'" for f in sorted(files))
    return f"read_parquet([{listed}], hive_partitioning=false)"


def record(history: History, kind: str, record_id: str) -> tuple[bytes, list[dict[str, Any]]] | None:
    """(record as JSON, time line) of one archived record; None when it is not in the history."""
    files = history.files(kind)
    if not files:
        return None
    with duckdb.connect(":memory:", config={"threads": _THREADS, "memory_limit": _MEMORY}) as db:
        found = db.execute(
            f"SELECT json, line FROM {_read(files)} WHERE id = $id",  # noqa: S608 - files of ours
            {"id": record_id},
        ).fetchone()
    return (found[0].encode(), msgspec.json.decode(found[1])) if found else None


def lines(history: History, kind: str, since: int, until: int, most: int) -> list[tuple[int, str, bytes]]:
    """Archived records of [since, until) (ms), oldest first, the newest `most` of them: when, id, JSON."""
    files = history.files(kind)
    if not files:
        return []
    newest = (
        f'SELECT "at", id, json FROM {_read(files)} '  # noqa: S608 - files of ours
        'WHERE "at" >= $since AND "at" < $until ORDER BY "at" DESC LIMIT $most'
    )
    with duckdb.connect(":memory:", config={"threads": _THREADS, "memory_limit": _MEMORY}) as db:
        found = db.execute(newest, {"since": since, "until": until, "most": most}).fetchall()
    return [(at, id_, json.encode()) for at, id_, json in reversed(found)]
