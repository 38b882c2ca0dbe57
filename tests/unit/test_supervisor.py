"""The supervisor: what dies is started again, and so is what hangs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import until

from engine import incidents, supervisor
from engine.store import embedded
from engine.supervisor import Child, Supervisor

BEATS = "import asyncio, sys, os; sys.path.insert(0, sys.argv[1]); from engine import heart; asyncio.run(heart.beat())"


def beating(folder: Path) -> tuple[Supervisor, Child]:
    """A supervisor with one child that shows its heartbeat and does nothing else."""
    found = Supervisor(folder)
    found.add("heart", [], dict(os.environ))
    child = found.children[0]
    start, root = child.start, str(Path(__file__).parents[2])

    def instead() -> "supervisor.subprocess.Popen[bytes]":
        environ = os.environ | {"FENLIU_HEARTBEAT": str(folder / ".beat.heart")}
        return supervisor.subprocess.Popen([sys.executable, "-c", BEATS, root], env=environ)

    assert start
    child.start = instead
    return found, child


def test_a_process_that_hangs_is_killed_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_HUNG_AFTER_S", 4.0)
    found, child = beating(tmp_path)
    found.start()
    assert child.process is not None
    first = child.process.pid
    until(lambda: found.look() or child.last_beat, 30)
    began = time.monotonic()
    until(lambda: found.look() or time.monotonic() - began > 5, 30)
    assert child.process is not None
    assert child.process.pid == first, "one that beats is left alone"
    os.kill(first, signal.SIGSTOP)
    until(lambda: found.look() or (child.process is not None and child.process.pid != first), 60)
    found.stop()
    assert child.process.poll() is not None


def test_who_was_killed_says_so_when_it_runs_again_and_who_was_stopped_does_not(tmp_path: Path) -> None:
    for stopped, told in ((False, []), (True, ["not_stopped"]), (True, ["not_stopped"])):
        found, _ = beating(tmp_path)
        found.own_data_dir()
        assert [i.what for i in incidents.recent(tmp_path)] == told
        found.start()
        if stopped:
            found.stop()
        else:
            for child in found.children:
                assert child.process is not None
                child.process.kill()
                child.process.wait()
        assert found._lock is not None
        found._lock.close()


def test_the_child_that_writes_the_log_anew_gives_way() -> None:
    told = "import os, subprocess; print(subprocess.Popen(['sleep', '30']).pid, flush=True); os.wait()"
    with subprocess.Popen([sys.executable, "-c", told], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        child = int(server.stdout.readline())
        embedded.give_way(server.pid)
        try:
            assert (os.getpriority(os.PRIO_PROCESS, child), os.getpriority(os.PRIO_PROCESS, server.pid)) == (
                19,
                os.getpriority(os.PRIO_PROCESS, 0),
            )
        finally:
            os.kill(child, signal.SIGKILL)
