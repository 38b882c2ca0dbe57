"""The history's folder: `<kind>/<day of archiving>/<batch>.parquet`, each record in exactly one file.

A file holds what was archived in one run, sorted by the records' own day (column `day`), so that a year is a few
hundred files and a day's records lie together in one or a few row groups.

Moving a batch from the store is: write the files aside; write `moving.json` (the promise: these files, these records);
put the files in place; let the store forget the records; remove `moving.json`. Whoever finds a `moving.json` after a
crash does the rest again, and every part of it may be done twice. Without the promise, files aside are rubbish.
What the store still has goes before what stands here, so nothing is counted twice while a batch is under way.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.history.shape import DOSSIER, table_of

_FRESH_S = 3600
Row = Mapping[str, Any]
Kept = dict[str, list[str]]
"""Kind → ids the store kept because they were changed after they were copied."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A promise: the batch's files, and the version of each record in them."""

    batch: str
    files: tuple[str, ...]
    versions: dict[str, dict[str, int]]
    """Kind → id → version copied."""


class History:
    """One city's folder. `columns` are the flat columns by kind (`call`, `order`, `alert`)."""

    def __init__(self, folder: Path, columns: Mapping[str, Mapping[str, str]]) -> None:
        self.folder = folder
        self.columns = {**columns, "dossier": DOSSIER}
        self._aside = folder / ".aside"
        self._promise = folder / "moving.json"

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """False when another process is moving or erasing at this moment; then nothing may be changed here."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def promise(self, batch: str, day: str, rows: Mapping[str, Sequence[Row]]) -> Moving:
        """Write the batch aside and promise it. From here on it will be moved, whatever happens.

        `batch` is a name of its own; `day` the local date of archiving; `rows` by kind, each with `id` and `day`.
        """
        shutil.rmtree(self._aside, ignore_errors=True)
        files = []
        for kind, found in rows.items():
            if found:
                name = f"{kind}/{day}/{batch}.parquet"
                self._write(self._aside / name, kind, found)
                files.append(name)
        versions = {kind: {r["id"]: r.get("version", 0) for r in found} for kind, found in rows.items() if found}
        moving = Moving(batch, tuple(files), versions)
        whole = {"batch": batch, "files": files, "versions": versions}
        _write_whole(self._promise, json.dumps(whole).encode())
        return moving

    def promised(self) -> Moving | None:
        """A promise not yet kept, after a crash."""
        if not self._promise.exists():
            return None
        found = json.loads(self._promise.read_bytes())
        return Moving(found["batch"], tuple(found["files"]), found["versions"])

    def place(self, moving: Moving) -> None:
        """Put the promised files where readers find them."""
        for name in moving.files:
            aside, here = self._aside / name, self.folder / name
            if aside.exists():
                here.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                aside.replace(here)
                _sync_folder(here.parent)

    def done(self, moving: Moving, kept: Kept) -> None:
        """The store forgot the batch, but for what it `kept`: take that out of the files again, drop the promise."""
        for kind, ids in kept.items():
            for name in moving.files:
                if name.startswith(f"{kind}/"):
                    self._without(self.folder / name, "id", ids)
        self._promise.unlink(missing_ok=True)
        shutil.rmtree(self._aside, ignore_errors=True)

    def erase_days(self, before: str, kinds: Sequence[str] = ("call", "order", "alert", "dossier")) -> int:
        """Remove every record of a day before `before` (`2026-11-22`); answers how many. Call it inside `alone`."""
        gone = 0
        for file in (f for kind in kinds for f in self.files(kind)):
            days = pq.read_table(file, columns=["day"], partitioning=None)["day"]
            if pc.min(days).as_py() < before:
                gone += self._keep(file, lambda table: pc.greater_equal(table["day"], before))
        return gone

    def count_days(self, before: str, kind: str) -> int:
        """How many records of a kind are of a day before `before`."""
        return sum(pc.sum(pc.less(_column(f, "day"), before)).as_py() or 0 for f in self.files(kind))

    def rewrite(self, kind: str, wanted: Callable[[Row], bool], change: Callable[[Row], Row]) -> int:
        """Put `change` of each wanted record in its place; answers how many differed. Call it inside `alone`.

        Rows are dictionaries of all columns; `json` and `line` are text. What is changed already stays as it is.
        """
        changed = 0
        for file in self.files(kind):
            rows = pq.read_table(file, partitioning=None).to_pylist()
            after = [change(row) if wanted(row) else row for row in rows]
            differ = sum(a != b for a, b in zip(rows, after, strict=True))
            if differ:
                self._put(file, table_of(self.columns[kind], after))
            changed += differ
        return changed

    def rows(self, kind: str, wanted: Callable[[Row], bool]) -> list[Row]:
        """Records of a kind, whole."""
        read = (pq.read_table(file, partitioning=None).to_pylist() for file in self.files(kind))
        return [row for rows in read for row in rows if wanted(row)]

    def erase_callers(self, hashes: Sequence[str]) -> int:
        """Remove every call of these callers (keyed hashes); answers how many. Call it inside `alone`."""
        return sum(self._without(file, "caller", hashes) for file in self.files("call"))

    def files(self, kind: str) -> list[Path]:
        """All files of a kind, those archived first before the others."""
        return sorted((self.folder / kind).glob("*/*.parquet"))

    def fresh(self, files: Sequence[Path]) -> set[Path]:
        """Files whose records the store may still have: put here within the hour, or promised and not forgotten yet."""
        moving = self.promised()
        promised = {self.folder / name for name in moving.files} if moving else set()
        since = time.time() - _FRESH_S
        return {f for f in files if f in promised or f.stat().st_mtime > since}

    def _write(self, path: Path, kind: str, rows: Sequence[Row]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._put(path, table_of(self.columns[kind], rows))

    def _put(self, path: Path, table: Any) -> None:
        part = path.with_name(f".{path.name}")
        pq.write_table(
            table.sort_by([("day", "ascending"), ("id", "ascending")]), part, compression="zstd", row_group_size=2000
        )
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)

    def _without(self, path: Path, column: str, values: Sequence[str]) -> int:
        """Rewrite one file without the rows of some values; answers how many went."""
        if not values or not path.exists():
            return 0
        gone = pa.array(list(values), pa.string())
        return self._keep(path, lambda table: pc.invert(pc.is_in(table[column], gone)))

    def _keep(self, path: Path, wanted: Callable[[Any], Any]) -> int:
        table = pq.read_table(path, partitioning=None)
        left = table.filter(wanted(table))
        if not left.num_rows:
            path.unlink()
        elif left.num_rows < table.num_rows:
            self._put(path, left)
        return int(table.num_rows - left.num_rows)


def _column(path: Path, name: str) -> Any:
    return pq.read_table(path, columns=[name], partitioning=None)[name]


def _write_whole(path: Path, raw: bytes) -> None:
    part = path.with_name(f".{path.name}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
