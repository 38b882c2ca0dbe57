"""How processes are put together: `fenliu serve`, `fenliu demo` (simulated bodies), `fenliu try` (temporary)."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine import keeping
from engine import settings as settings_room
from engine.errors import Fault, Refused, StoreDown
from engine.model.values import replace
from engine.settings import Settings
from engine.supervisor import Supervisor, bound_processes, die_with_parent, listen

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_TRY_WAIT_S = 600.0
Say = Callable[[str], None]


def say(line: str) -> None:
    """One line for the person at the terminal."""
    print(line, file=sys.stderr, flush=True)


def serving(settings: Settings, *, console: bool = True, public: bool = False) -> None:
    """Run the service until told to stop. Raises `Refused` with what must be mended before it can start."""
    if keeping.generated(settings) and settings.host not in _LOOPBACK and not public:
        raise _beyond_loopback(settings.host)
    supervisor, chosen, _ = _supervised(settings, console=console)
    say(f"http://{chosen.host}:{chosen.port}/  (Ctrl-C stops it)")
    supervisor.run()


def demonstrating(settings: Settings) -> None:
    """The service, the simulated bodies and the sample calls, console open to the person at this machine."""
    port = _free_port()
    chosen = replace(settings, bodies_url=f"http://127.0.0.1:{port}", open_console="1")
    supervisor, chosen, environ = _supervised(chosen, console=True)
    api, data = f"http://127.0.0.1:{chosen.port}", str(chosen.data)
    supervisor.add("bodies", ["bodies", "--port", str(port), "--api", api, "--data-dir", data], environ)
    supervisor.add("calls", ["send", "--api", api, "--data-dir", data, "--quiet"], environ)
    say(f"指挥室 http://{chosen.host}:{chosen.port}/  (Ctrl-C stops it)")
    supervisor.run()


def _supervised(settings: Settings, *, console: bool) -> tuple[Supervisor, Settings, dict[str, str]]:
    """Rules read, secrets made, the port opened, the store up; the children are ready to be started."""
    folder = keeping.data_dir(settings)
    bound_processes()
    supervisor = Supervisor(folder)
    supervisor.own_data_dir()
    _ready(settings)
    opened = _listening(settings)
    chosen = replace(settings, port=str(opened.getsockname()[1]))
    environ = os.environ | settings_room.as_environ(chosen)
    if not chosen.store_url:
        supervisor.add_store()
        supervisor.start("store")
        if not supervisor.wait_for_store():
            supervisor.stop()
            raise StoreDown(f"the embedded store did not start; its words are in {folder / 'store' / 'store.log'}")
    for n in range(chosen.process_count):
        supervisor.add(f"api-{n}", ["api", "--fd", str(opened.fileno())], environ, (opened,))
    supervisor.add("worker", ["worker"], environ)
    if console:
        supervisor.add("console", ["console"], environ)
    return supervisor, chosen, environ


def _ready(settings: Settings) -> None:
    """Rules read, model trained, secrets made: by a process that ends, or this one would hold them for ever."""
    command = [sys.executable, "-m", "engine.cli", "ready"]
    environ = os.environ | settings_room.as_environ(settings)
    ended = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    if ended.returncode:
        raise SystemExit(ended.returncode)  # it has said why


def _listening(settings: Settings) -> socket.socket:
    try:
        return listen(settings.host, settings.port_number)
    except OSError as error:
        what = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}"
        raise Refused(Fault("--port", what, "stop what uses it, or choose another port")) from None


def _beyond_loopback(host: str) -> Refused:
    """Generated secrets and tokens are for this machine only."""
    what = "would listen beyond this machine with secrets and tokens that Fenliu made itself"
    right = "set FENLIU_WEBHOOK_SECRETS and FENLIU_TOKENS_FILE, or say --public"
    return Refused(Fault(f"--host {host}", what, right))


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def trying(settings: Settings, *, as_json: bool, keep: bool) -> int:
    """The whole loop on a temporary store; answers the exit code of the reconciliation."""
    folder = Path(tempfile.mkdtemp(prefix="fenliu-try-"))
    model = settings.data / "model"
    if model.is_dir():
        (folder / "model").symlink_to(model.resolve(), target_is_directory=True)
    try:
        code = _tried(settings, folder, as_json=as_json)
        _keep_model(folder / "model", model)
    finally:
        if keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return code


def _keep_model(trained: Path, model: Path) -> None:
    """A model trained for the trial is worth a minute or two next time."""
    if trained.is_dir() and not trained.is_symlink() and not model.exists():
        model.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copytree(trained, model)


def _tried(settings: Settings, folder: Path, *, as_json: bool) -> int:
    port, bodies_port = _free_port(), _free_port()
    api, bodies = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{bodies_port}"
    chosen = replace(
        settings, data_dir=str(folder), port=str(port), host="127.0.0.1", bodies_url=bodies, movable_clock="1"
    )
    environ = os.environ | settings_room.as_environ(replace(chosen, store_url="", webhook_secrets="", tokens_file=""))
    common = ["--api", api, "--data-dir", str(folder)]
    with (folder / "service.log").open("wb") as log:
        children = [_child(["serve", "--no-console"], environ, log)]
        try:
            _wait_until_ready(api, children[0], folder)
            children.append(_child(["bodies", "--port", str(bodies_port), "--speed", "100", *common], environ, log))
            asked = ["trial", *common, "--bodies-url", bodies, "--run", "try", *(["--json"] if as_json else [])]
            return subprocess.call([sys.executable, "-m", "engine.cli", *asked], env=environ)
        finally:
            for child in reversed(children):
                _end(child)


def _child(arguments: list[str], environ: dict[str, str], log: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "engine.cli", *arguments]
    return subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # type: ignore[call-overload, no-any-return]  # an open file


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _wait_until_ready(api: str, child: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Wait for the port to be listened on; the model may have to be trained first."""
    host, _, port = api.removeprefix("http://").partition(":")
    deadline = time.monotonic() + _TRY_WAIT_S
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket() as s:
            if s.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    words = (folder / "service.log").read_text(encoding="utf-8", errors="replace")
    raise StoreDown(f"the service did not start:\n{words[-2000:]}")
