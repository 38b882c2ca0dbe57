"""Large pages: the memory of a process that stays is laid out in pages of two megabytes, half a minute after its start.

Rules, vocabulary and code are hundreds of thousands of objects in some 250 MB. A call touches thousands of them all
over, and the processor remembers where a page lies for a few thousand pages of 4 KB only; in large ones it finds them
all (docs/adr/0024). Linux alone; where the kernel has no such pages, or its owner says `never`, nothing is done.
"""

import asyncio
import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

LARGE = 2 << 20
"""Bytes of a large page, on x86-64 and on ARM with small pages of 4 KB."""
_MADV_HUGEPAGE, _MADV_COLLAPSE = 14, 25
"""Linux, asm-generic/mman-common.h; the second came with 6.1: older kernels do it by and by after the first."""
_WHETHER = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_MAPS = Path("/proc/self/maps")
_AFTER_S = 30.0
"""Not at once: a start is waited for, and a process that ends soon never needs it."""


async def lay_out_later() -> None:
    """Half a minute after the start, once, in a thread; the loop goes on meanwhile."""
    if sys.platform == "linux":
        await asyncio.sleep(_AFTER_S)
        await asyncio.to_thread(lay_out)


def lay_out() -> int:
    """Bytes of this process that lie in large pages now because of this; 0 where there are none. Never raises.

    Takes a second of a processor for 250 MB, with few calls of the kernel: each gives the interpreter away and wants
    it back, and whoever serves calls waits for that.
    """
    try:
        if "[never]" in _WHETHER.read_text("ascii"):
            return 0
        found = list(whole_pages(_MAPS.read_text("utf-8", "replace")))
        advise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return 0
    laid = 0
    for start, end in found:
        where, size = ctypes.c_void_p(start), ctypes.c_size_t(end - start)
        if advise(where, size, _MADV_HUGEPAGE) == 0 and advise(where, size, _MADV_COLLAPSE) == 0:
            laid += end - start
    return laid


def whole_pages(maps: str) -> Iterator[tuple[int, int]]:
    """Where large pages fit wholly into memory of the process's own: [start, end) from the text of /proc/PID/maps."""
    for line in maps.splitlines():
        where, may, _, _, inode, *name = line.split(None, 5)
        if may != "rw-p" or inode != "0" or (name and name[0].startswith("[stack")):
            continue
        start, end = (int(part, 16) for part in where.split("-"))
        start, end = -(-start // LARGE) * LARGE, end // LARGE * LARGE
        if start < end:
            yield start, end
