"""The clock at the edge: real time, plus an offset that tests move for all processes at once.

The offset is eight bytes (a float, seconds) in a file that every process of one service maps. Without
the file, as in production, the clock is the machine's.
"""

import mmap
import struct
import time
from pathlib import Path

from engine.model.call import Instant

FILE_NAME = "clock_offset"


class Clock:
    """`now()` in milliseconds since 1970 UTC."""

    def __init__(self, file: Path | None = None) -> None:
        self._map: mmap.mmap | None = None
        if file is not None:
            if not file.exists():
                file.write_bytes(struct.pack("d", 0.0))
            with file.open("r+b") as opened:
                self._map = mmap.mmap(opened.fileno(), 8)

    @property
    def offset(self) -> float:
        """Seconds ahead of the machine's clock."""
        return float(struct.unpack("d", self._map[:8])[0]) if self._map is not None else 0.0

    def now(self) -> Instant:
        """Now, in milliseconds."""
        return int((time.time() + self.offset) * 1000)

    def advance(self, seconds: float) -> None:
        """Move the clock forward for every process that maps the file; only a movable clock can."""
        if self._map is None:
            raise RuntimeError("this clock is the machine's and cannot be moved")
        self._map[:8] = struct.pack("d", self.offset + seconds)
