"""A service of one's own for a load test: `fenliu serve` and the simulated bodies in a folder that is thrown away."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from load_tests.personas import read_mix

_START_S = 300.0


@dataclass(frozen=True, slots=True)
class Own:
    """Where it is."""

    api: str
    bodies: str
    data_dir: Path


@contextmanager
def own_service(
    *, model: Path | None = None, processes: int = 1, mix: str = "", speed: float = 100.0, seed: int = 1
) -> Iterator[Own]:
    """Started, ready, and stopped at the end. `model`: a folder with a trained classifier, so that none is trained.

    Raises `RuntimeError` with the service's words when it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="fenliu-load-"))
    api_port, bodies_port = free_port(), free_port()
    own = Own(f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{bodies_port}", folder)
    if model is not None and model.is_dir():
        (folder / "model").symlink_to(model.resolve(), target_is_directory=True)
    plain = {k: v for k, v in os.environ.items() if not k.startswith("FENLIU_")}
    environ = plain | {"FENLIU_MOVABLE_CLOCK": "1", "FENLIU_BODIES_URL": own.bodies}
    serve = ["-m", "engine.cli", "serve", "--no-console", "--port", str(api_port), "--processes", str(processes)]
    people = {"port": bodies_port, "api_url": own.api, "data_dir": str(folder), "seed": seed, "speed": speed}
    play = ["-m", "load_tests.bodies", json.dumps(people | {"mix": read_mix(mix)})]
    try:
        with ExitStack() as running:
            child = running.enter_context(_child([*serve, "--data-dir", str(folder)], environ, folder))
            running.enter_context(_child(play, environ, folder))
            _until_ready(own, child)
            yield own
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def _child(arguments: list[str], environ: dict[str, str], folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    with (folder / "service.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, *arguments], env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _until_ready(own: Own, child: "subprocess.Popen[bytes]") -> None:
    """The port is open long before an API process has read the rules; ready is ready to take calls."""
    end = time.monotonic() + _START_S
    while time.monotonic() < end and child.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{own.api}/readyz", timeout=60, trust_env=False).is_success:
                return
        time.sleep(0.1)
    words = (own.data_dir / "service.log").read_text("utf-8", "replace")
    raise RuntimeError(f"the service did not start:\n{words[-2000:]}")
