"""Shape of the files: flat columns by kind, then the whole record and its time line as JSON text."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

TYPES: dict[str, Any] = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
}
WHOLE = {"json": "text", "line": "text"}
"""The record and its time line as they stood in the store, masked."""
DOSSIER = {"id": "text", "at": "int", "day": "text", "version": "int"}


def schema_of(columns: Mapping[str, str], *, whole: bool = True) -> pa.Schema:
    """The Arrow schema of a kind."""
    every = {**columns, **(WHOLE if whole else {})}
    return pa.schema([pa.field(name, TYPES[kind]) for name, kind in every.items()])


def table_of(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *, whole: bool = True) -> pa.Table:
    """Rows (dictionaries by column; what is missing is null) as an Arrow table."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema_of(columns, whole=whole))
