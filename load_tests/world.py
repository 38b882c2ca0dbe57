"""A service of one's own that faults are done to: its processes, its disk, its clock, its network. Loopback only.

Everything lies in one folder that is thrown away: the data dir, a copy of the rules that may be written, and (where
root may mount one) a small disk of its own for the store, which can be filled up.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from load_tests.clock import FILE_NAME
from load_tests.own import Own, free_port
from load_tests.personas import read_mix
from load_tests.proxy import Proxy

_START_S = 300.0
_DISK_MB = 1024
"""Memory that is used only while the disk is full: a campaign of half an hour writes several hundred MB."""
_PR_SET_PDEATHSIG = 1
_RULES = Path(__file__).resolve().parent.parent / "rules"
Child = subprocess.Popen[bytes]


def _die_with_parent() -> None:
    """A campaign that is killed leaves nothing running behind."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(slots=True)
class World:
    """What faults are done to. `seed` fixes how bodies behave."""

    folder: Path
    seed: int
    console: bool
    api_port: int = field(default_factory=free_port)
    bodies_port: int = field(default_factory=free_port)
    proxy_port: int = field(default_factory=free_port)
    service: Child | None = None
    bodies: Child | None = None
    disk: bool = False
    """Whether the store has a small disk of its own."""
    proxy: Proxy = field(init=False)

    def __post_init__(self) -> None:
        self.proxy = Proxy("127.0.0.1", self.bodies_port)

    @property
    def data(self) -> Path:
        """The data dir."""
        return self.folder / "data"

    @property
    def rules(self) -> Path:
        """The rules folder, a copy."""
        return self.folder / "rules"

    @property
    def at(self) -> Own:
        """Where it is, for a trial; bodies are asked past the proxy."""
        return Own(f"http://127.0.0.1:{self.api_port}", f"http://127.0.0.1:{self.bodies_port}", self.data)

    # --- its life

    async def start(self) -> None:
        """`fenliu serve`; returns when it can take calls. Raises `RuntimeError` with its words."""
        self.service = self._spawn(
            ["-m", "engine.cli", "serve", "--port", str(self.api_port), "--data-dir", str(self.data)]
            + ["--rules", str(self.rules)]
            + ([] if self.console else ["--no-console"])
        )
        await self.until_ready()

    async def until_ready(self, seconds: float = _START_S) -> None:
        """Until it can take calls. Raises `RuntimeError` with its words."""
        end = time.monotonic() + seconds
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            while time.monotonic() < end and self.service is not None and self.service.poll() is None:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(f"{self.at.api}/readyz")).is_success:
                        return
                await asyncio.sleep(0.1)
        raise RuntimeError(f"the service is not ready:\n{self.words()[-2000:]}")

    def start_bodies(self) -> None:
        """The simulated bodies and the people of the command room."""
        people = {"port": self.bodies_port, "api_url": self.at.api, "data_dir": str(self.data), "seed": self.seed}
        mix = read_mix("prompt=0.85,slow=0.05,returning=0.1")
        self.bodies = self._spawn(["-m", "load_tests.bodies", json.dumps(people | {"speed": 100.0, "mix": mix})])

    def _spawn(self, arguments: list[str]) -> Child:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("FENLIU_")}
        environ = plain | {"FENLIU_MOVABLE_CLOCK": "1", "FENLIU_BODIES_URL": f"http://127.0.0.1:{self.proxy_port}"}
        with (self.folder / "service.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )

    async def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop the service; with SIGKILL its children must stop by themselves."""
        children = list(self.pids().values())
        if self.service is not None:
            self.service.send_signal(number)
            await asyncio.to_thread(self.service.wait, 60)
        await asyncio.to_thread(_until_gone, children)

    # --- its processes, its store, its clock

    def pids(self) -> dict[str, int]:
        """Name → process id, as the service notes them."""
        file = self.data / "pids"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return {name: int(pid) for name, pid in (line.split(" ", 1) for line in lines)}

    async def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """A signal to one process that runs now; one just killed may still be on its way up."""
        for _ in range(400):
            with contextlib.suppress(ProcessLookupError, KeyError, FileNotFoundError):
                os.kill(self.pids()[name], number)
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"{name} did not run")

    async def until_beats(self, name: str, seconds: float = _START_S) -> None:
        """Until the loop of one process turns. Raises `RuntimeError` when it does not."""
        file, end = self.data / f".beat.{name}", time.monotonic() + seconds
        before = _beat(file)
        while time.monotonic() < end:
            await asyncio.sleep(0.3)
            if 0 < before < _beat(file):
                return
            before = _beat(file)
        raise RuntimeError(f"{name} shows no heartbeat")

    def tell_store(self, *commands: tuple[str, ...]) -> bytes:
        """Speak to the embedded store past the service, as a fault does."""
        raw = b""
        for command in commands:
            parts = [p.encode() for p in command]
            raw += b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(self._socket()))
            s.sendall(raw)
            return s.recv(65_536)

    def _socket(self) -> Path:
        """Where the store listens; its process says so in its title."""
        title = Path(f"/proc/{self.pids()['store']}/cmdline").read_text("utf-8", "replace")
        found = re.search(r"unixsocket:([^\s\0]+)", title)
        return Path(found[1]) if found else self.data / "store" / "store.sock"

    def log_files(self) -> list[Path]:
        """The store's append-only files, the one being written last."""
        files = (self.data / "store" / "appendonlydir").glob("*.incr.aof")
        return sorted(files, key=lambda f: int(f.name.split(".")[2]))

    def set_clock(self, seconds: float) -> None:
        """Move the service's clock, forward or back."""
        file = self.data / FILE_NAME
        with file.open("r+b") as opened:
            offset = struct.unpack("d", opened.read(8))[0]
            opened.seek(0)
            opened.write(struct.pack("d", offset + seconds))

    def fill_disk(self) -> Path:
        """A file that takes all the room the store's disk has left; whoever removes it heals the disk."""
        ballast = self.data / "store" / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(ballast).free)
        with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:  # what others freed meanwhile
            while True:
                file.write(bytes(4_096))
        return ballast

    def write_rules(self, name: str, text: str) -> None:
        """A file of the rules folder, whole."""
        (self.rules / name).write_text(text, "utf-8")

    def words(self) -> str:
        """Everything the service said."""
        return (self.folder / "service.log").read_text("utf-8", "replace")

    def incidents(self) -> list[dict[str, Any]]:
        """What the service itself wrote down for people, oldest first."""
        file = self.data / "incidents.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def may_mount() -> bool:
    """Whether a small disk can be made here."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


def _beat(file: Path) -> float:
    """When a process showed last that it lives; 0 when it has not."""
    return file.stat().st_mtime if file.exists() else 0.0


def _until_gone(pids: list[int], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(Path(f"/proc/{pid}").exists() for pid in pids):
        time.sleep(0.05)


@contextlib.asynccontextmanager
async def own_world(model: Path, seed: int, *, console: bool = False, disk: bool = False) -> AsyncIterator[World]:
    """Started, ready, and gone at the end."""
    world = World(Path(tempfile.mkdtemp(prefix="fenliu-faults-")), seed, console)
    try:
        _furnish(world, model, disk=disk)
        await world.proxy.start(world.proxy_port)
        world.start_bodies()
        await world.start()
        yield world
    finally:
        await _ended(world)
        _cleared(world)


def _furnish(world: World, model: Path, *, disk: bool) -> None:
    shutil.copytree(_RULES, world.rules)
    store = world.data / "store"
    store.mkdir(parents=True, mode=0o700)
    if model.is_dir():
        (world.data / "model").symlink_to(model.resolve(), target_is_directory=True)
    if disk and may_mount():
        asked = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m,mode=700", "tmpfs", str(store)]
        world.disk = subprocess.run(asked, check=False, capture_output=True).returncode == 0


def _cleared(world: World) -> None:
    if world.disk:
        subprocess.run(["umount", str(world.data / "store")], check=False)
    shutil.rmtree(world.folder, ignore_errors=True)


async def _ended(world: World) -> None:
    await world.proxy.close()
    for child in (world.bodies, world.service):
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                await asyncio.to_thread(child.wait, 30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
