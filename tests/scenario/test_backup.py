"""A backup is taken while calls come in; elsewhere, everything acknowledged before it began is there and goes on."""

import asyncio
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from calling import Bodies, Callers
from running import ROOT, Json, Service, free_port, serving, until

from engine.at_store import at_store
from engine.backup import restore
from engine.errors import Refused
from engine.model.values import replace
from engine.settings import Settings
from engine.store.keys import key

pytestmark = pytest.mark.timeout(600)


def fenliu(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "engine.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory, ill_used: Service) -> tuple[Path, dict[str, Json], bytes, str]:
    """(backup, what was acknowledged before it began, the secret, words of the command)."""
    folder = tmp_path_factory.mktemp("backup")
    callers = [Callers(ill_used, f"b{i}", i, pause=0.1) for i in range(2)]
    for caller in callers:
        caller.start()
    until(lambda: sum(len(c.answers) for c in callers) > 40, 60)
    before = {k: v for c in callers for k, v in c.answers.items()}
    said = fenliu("backup", str(folder / "city.backup"), "--data-dir", str(ill_used.data))
    assert said.returncode == 0, said.stderr
    during = sum(len(c.answers) for c in callers) - len(before)
    assert during > 10, "calls were taken while the backup was made"
    for caller in callers:
        caller.stopping = True
    for caller in callers:
        caller.join(60)
    assert not [line for c in callers for line in c.odd]
    return folder / "city.backup", before, ill_used.secret, said.stdout


def test_every_acknowledged_call_is_there_and_its_clock_runs_on(
    taken: tuple[Path, dict[str, Json], bytes, str], tmp_path: Path, model: Path
) -> None:
    backup, before, secret, said = taken
    assert "writing was held for" in said
    assert backup.stat().st_mode & 0o777 == 0o600
    restored = fenliu("restore", str(backup), "--data-dir", str(tmp_path / "data"))
    assert restored.returncode == 0, restored.stderr
    assert (tmp_path / "data" / "privacy_key").stat().st_mode & 0o777 == 0o600
    bodies = Bodies()
    threading.Thread(target=bodies.serve_forever, daemon=True).start()
    rules = str(tmp_path / "data" / "rules")
    with serving(tmp_path / "data", model, "--no-console", "--rules", rules, FENLIU_BODIES_URL=bodies.url) as service:
        assert service.secret == secret
        _all_there(service, before)
        until(lambda: service.get("/reports/summary").json()["queues"]["outbox"] == 0, 60)
        service.advance(3 * 86_400)
        until(lambda: any(kind == "order.overdue" for _, kind, _, _ in bodies.seen), 60)
        assert fenliu("audit", "verify", "--data-dir", str(tmp_path / "data")).returncode == 0
        with pytest.raises(Refused, match="is not empty"):
            asyncio.run(restore(Settings(data_dir=str(tmp_path / "data")), backup))
    bodies.shutdown()


def _all_there(service: Service, before: dict[str, Json]) -> None:
    open_orders = 0
    for webhook_id, answer in before.items():
        stored = service.get(f"/calls/{answer['call_id']}").json()
        assert (stored["status"], stored["answer"]) == ("committed", answer), webhook_id
        if answer["order_id"]:
            order = service.order(answer["order_id"])
            assert answer["call_id"] in order["call_ids"]
            assert order["due"] is not None
            open_orders += 1
    assert open_orders > 10


def test_a_damaged_or_cut_file_is_refused_and_nothing_is_written(
    taken: tuple[Path, dict[str, Json], bytes, str], tmp_path: Path
) -> None:
    whole = taken[0].read_bytes()
    at = whole.index(b"store.gz") + 512 + 2000
    changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    for name, raw, word in (
        ("changed", changed, "is not what was backed up"),
        ("cut", whole[:at], "cannot be read to its end"),
        ("other", b"not a backup", "cannot be read to its end"),
    ):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(Refused, match=word):
            asyncio.run(restore(Settings(data_dir=str(tmp_path / "data")), tmp_path / name))
        assert not (tmp_path / "data").exists()


def test_it_can_be_put_into_a_store_of_another_make_once(
    taken: tuple[Path, dict[str, Json], bytes, str], tmp_path: Path
) -> None:
    port = free_port()
    asked = ["redis-server", "--port", str(port), "--appendonly", "yes", "--dir", str(tmp_path), "--save", ""]
    server = subprocess.Popen(asked, stdout=subprocess.DEVNULL)
    chosen = Settings(data_dir=str(tmp_path / "data"), store_url=f"redis://127.0.0.1:{port}")
    try:
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
        manifest = asyncio.run(restore(chosen, taken[0]))
        assert asyncio.run(_calls(chosen)) >= len(taken[1])
        assert manifest["city"] == "cj"
        with pytest.raises(Refused, match="holds cj already"):
            asyncio.run(restore(replace(chosen, data_dir=str(tmp_path / "other")), taken[0]))
        assert not list((tmp_path / "other").iterdir())
    finally:
        server.terminate()
        server.wait()


async def _calls(chosen: Settings) -> int:
    async with at_store(chosen) as at:
        return int(await at.client.read("ZCARD", key(at.city.id, "calls")))
