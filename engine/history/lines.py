"""A file of the history read again as lines, for replays: the record of each row, oldest first."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq


def lines(path: Path) -> Iterator[bytes]:
    """JSON of every call, order or alert in one Parquet file of the history, by time."""
    table = pq.read_table(path, columns=["at", "json"], partitioning=None).sort_by("at")
    for text in table["json"]:
        yield text.as_py().encode()
