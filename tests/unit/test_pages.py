"""Memory in large pages: which parts of a process they are, and that the kernel really lays them out."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine import pages

MAPS = """\
00400000-00a83000 r-xp 00000000 08:01 1234                               /usr/bin/python3.11
02000000-02801000 rw-p 00000000 00:00 0                                  [heap]
7f0000100000-7f0000700000 rw-p 00000000 00:00 0
7f0001000000-7f0001300000 rw-p 00000000 08:01 99                         /a folder/with a blank.npy
7f0002000000-7f0002400000 r--p 00000000 00:00 0
7f0003000000-7f0003400000 rw-s 00000000 00:01 7                          /dev/zero (deleted)
7ffc00000000-7ffc00800000 rw-p 00000000 00:00 0                          [stack]
"""
CHILD = """
from engine import pages
kept = bytearray(b"x") * (9 * pages.LARGE)
laid = pages.lay_out()
held = sum(int(line.split()[1]) for line in open("/proc/self/smaps") if line.startswith("AnonHugePages"))
print(laid, held * 1024, kept == b"x" * len(kept))
"""


def test_only_whole_pages_of_its_own_memory_count() -> None:
    heap, other = (0x2000000, 0x2800000), (0x7F0000200000, 0x7F0000600000)
    assert list(pages.whole_pages(MAPS)) == [heap, other]


def test_nothing_is_done_where_the_machines_owner_says_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whether = tmp_path / "enabled"
    whether.write_text("always madvise [never]\n")
    monkeypatch.setattr(pages, "_WHETHER", whether)
    monkeypatch.setattr(pages, "_MAPS", tmp_path / "not looked at")
    assert pages.lay_out() == 0


def test_a_system_without_large_pages_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_WHETHER", tmp_path / "none")
    assert pages.lay_out() == 0


def may_collapse() -> bool:
    if not pages._WHETHER.exists() or "[never]" in pages._WHETHER.read_text():
        return False
    major, minor = Path("/proc/sys/kernel/osrelease").read_text().split(".")[:2]
    return (int(major), int(minor)) >= (6, 1)


@pytest.mark.skipif(not may_collapse(), reason="this kernel cannot lay pages out on demand")
def test_the_kernel_lays_the_memory_out_and_nothing_in_it_changes() -> None:
    said = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=60, check=True)
    laid, held, same = said.stdout.split()
    assert same == "True"
    assert int(held) >= int(laid) >= 8 * pages.LARGE
