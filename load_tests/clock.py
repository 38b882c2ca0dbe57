"""The movable clock seen from outside: eight bytes (a double, seconds) that every process of one service maps.

The file exists only where the service runs with FENLIU_MOVABLE_CLOCK=1; elsewhere the clock is the machine's.
"""

import mmap
import struct
import time
from pathlib import Path

FILE_NAME = "clock_offset"
_SIZE = struct.calcsize("d")


class Clock:
    """`now()` in seconds since 1970 UTC, as the service sees it."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / FILE_NAME
        self._map: mmap.mmap | None = None

    def _mapped(self) -> mmap.mmap | None:
        """The mapping; looked for again until the service has made the file (it may start after us)."""
        if self._map is None and self._file.exists() and self._file.stat().st_size >= _SIZE:
            with self._file.open("r+b") as opened:
                self._map = mmap.mmap(opened.fileno(), _SIZE)
        return self._map

    @property
    def movable(self) -> bool:
        """Whether `advance` can move it."""
        return self._mapped() is not None

    @property
    def offset(self) -> float:
        """Seconds ahead of the machine's clock."""
        mapped = self._mapped()
        return float(struct.unpack("d", mapped[:_SIZE])[0]) if mapped is not None else 0.0

    def now(self) -> float:
        """Now, in seconds."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move the clock forward for every process of the service. Raises `RuntimeError` when it cannot."""
        mapped = self._mapped()
        if mapped is None:
            raise RuntimeError("the service does not run with FENLIU_MOVABLE_CLOCK=1")
        if seconds < 0:
            raise ValueError("a clock moves forward only")
        mapped[:_SIZE] = struct.pack("d", self.offset + seconds)
