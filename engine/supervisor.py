"""The supervisor: starts the embedded store, the API, the worker and the console as processes of their own,

watches them, starts again what dies, and stops all of them in order. It holds no calls and no state.
"""

import contextlib
import ctypes
import fcntl
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from engine import heart, incidents
from engine.errors import Fault, Refused
from engine.store import embedded

log = logging.getLogger("fenliu.supervisor")
_LOOK_EVERY_S = 0.1
_STOP_WAIT_S = 15.0
_LONGEST_PAUSE_S = 5.0
_HUNG_AFTER_S = 30.0
"""Without a heartbeat for so long, after its first one, a process hangs: it is killed and started again."""
_PR_SET_PDEATHSIG = 1
_FILES = 65_536
"""Open files and connections; many systems start a process with 1,024."""
UNFINISHED = "restore_unfinished"
"""File in a data dir while it is being restored: half a city is not served."""


def die_with_parent() -> None:
    """For a child before it starts: if its supervisor is killed it stops by itself instead of holding the port."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def bound_processes() -> None:
    """For this process and all it starts: memory is never written to disk when one dies, and files do not run out."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@dataclass(slots=True)
class Child:
    """One process that must run."""

    name: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    process: "subprocess.Popen[bytes] | None" = None
    deaths: int = 0
    not_before: float = 0.0
    started_at: float = 0.0
    heart: Path | None = None
    """File the process touches while its loop turns."""
    last_beat: int = 0
    heard_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Keeps children running until told to stop."""

    data_dir: Path
    children: list[Child] = field(default_factory=list)
    stopping: bool = False
    _lock: TextIO | None = None
    store_log: embedded.Words = field(init=False)

    def __post_init__(self) -> None:
        self.store_log = embedded.Words(self.data_dir)

    def add(
        self, name: str, arguments: list[str], environ: dict[str, str], sockets: tuple[socket.socket, ...] = ()
    ) -> None:
        """A child that is `python -m engine.cli <arguments>`, given `sockets`."""

        beats = self.data_dir / f".beat.{name}"

        def start() -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-m", "engine.cli", *arguments]
            fds = tuple(s.fileno() for s in sockets)
            beats.unlink(missing_ok=True)
            return subprocess.Popen(
                command,
                env=environ | {heart.VARIABLE: str(beats)},
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                preexec_fn=die_with_parent,
            )

        self.children.append(Child(name, start, heart=beats))

    def own_data_dir(self) -> None:
        """Hold the data dir for this supervisor alone; raises `Refused` when another one has it.

        Children of a supervisor that was killed stop by themselves; a store of theirs that is still
        writing is waited for, because two servers on one log would destroy it.
        """
        self._lock = (self.data_dir / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                Fault("data dir", "another `fenliu serve` is using it", "stop it, or --data-dir DIR")
            ) from None
        if (self.data_dir / UNFINISHED).exists():
            what = "a restore into it did not come to its end"
            raise Refused(Fault(f"data dir {self.data_dir}", what, "empty the folder and restore again"))
        if self._pids.exists():
            incidents.note(self.data_dir, "not_stopped", "service", "it was killed, or its machine died, while it ran")
        deadline = time.monotonic() + _STOP_WAIT_S
        while embedded.answers(self.data_dir):
            if time.monotonic() > deadline:
                raise Refused(Fault("data dir", "a store left behind still runs in it", "stop that valkey-server"))
            time.sleep(0.05)

    def add_store(self) -> None:
        """The embedded store comes first."""
        self.children.insert(0, Child("store", lambda: embedded.start(self.data_dir, preexec_fn=die_with_parent)))

    def start(self, name: str = "") -> None:
        """Start all children that do not run, or the one named."""
        for child in self.children:
            if child.process is None and name in ("", child.name):
                child.process, child.started_at = child.start(), time.monotonic()
                self._note_pids()

    def wait_for_store(self, seconds: float = 60.0) -> bool:
        """Whether the embedded store answers within `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if embedded.answers(self.data_dir):
                return True
            self.look()
            time.sleep(0.05)
        return False

    def look(self) -> None:
        """Start again whatever died, with a growing pause for what dies at once."""
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is None and _hangs(child, now):
                log.warning("%s hangs: no heartbeat for %d s; it is killed", child.name, _HUNG_AFTER_S)
                incidents.note(self.data_dir, "hung", child.name, f"no heartbeat for {_HUNG_AFTER_S:.0f} s")
                child.process.kill()
                child.process.wait()
            if child.process is not None and child.process.poll() is not None:
                lasted = now - child.started_at
                child.deaths = child.deaths + 1 if lasted < 10 else 1
                child.not_before = now + min(0.1 * 2 ** (child.deaths - 1), _LONGEST_PAUSE_S)
                log.warning("%s ended with %s and is started again", child.name, child.process.returncode)
                self._note_end(child)
                child.process = None
            if child.process is None and now >= child.not_before and child.started_at:
                child.process, child.started_at = child.start(), now
                self._note_pids()

        self._note_repair()
        for child in self.children:
            if child.name == "store" and child.process is not None:
                embedded.give_way(child.process.pid)

    def _note_end(self, child: Child) -> None:
        """For people: which process ended, how, and the store's own words when it gave up by itself."""
        code = child.process.returncode if child.process else 0
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        words = self.store_log.last() if child.name == "store" and code > 0 else ""
        incidents.note(self.data_dir, "ended", child.name, f"{how}; {words}" if words else how)

    def _note_repair(self) -> None:
        """The store cut a torn tail off its log when it started."""
        if said := self.store_log.repaired():
            incidents.note(self.data_dir, "log_repaired", "store", said)

    def run(self) -> None:
        """Watch until `stopping`, then stop everything."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop_asked)
        self.start()
        try:
            while not self.stopping:
                self.look()
                time.sleep(_LOOK_EVERY_S)
        finally:
            self.stop()

    def _stop_asked(self, *_: object) -> None:
        self.stopping = True

    def stop(self) -> None:
        """Stop in the reverse order of starting: callers first, the store last."""
        for child in reversed(self.children):
            process = child.process
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(_STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._pids.unlink(missing_ok=True)

    @property
    def _pids(self) -> Path:
        return self.data_dir / "pids"

    def _note_pids(self) -> None:
        """`pids` in the data dir: name and process id a line, for people and fault tests; gone once all are stopped."""
        lines = [f"{c.name} {c.process.pid}" for c in self.children if c.process is not None]
        part = self.data_dir / f".pids.{os.getpid()}"
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
        part.replace(self._pids)


def _hangs(child: Child, now: float) -> bool:
    """Whether a process that once showed a heartbeat has shown none for too long.

    What is compared is when *we* saw the beat change, so that a clock that is set does not kill anybody.
    """
    try:
        beat = child.heart.stat().st_mtime_ns if child.heart else 0
    except OSError:
        beat = 0
    if beat != child.last_beat:
        child.last_beat, child.heard_at = beat, now
    return beat != 0 and now - child.heard_at > _HUNG_AFTER_S


def listen(host: str, port: int) -> socket.socket:
    """The listening socket, opened once and handed to every API process (so a restart loses no connection)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((host, port))
    opened.listen(2048)
    opened.set_inheritable(True)
    return opened
