"""Backup: everything a city needs to go on elsewhere, in one file; and its restoring into an empty place.

The file is a tar: the store's records at one instant, the rules folder, and the data dir (secrets, tokens,
keys, models, history) but for what a start makes anew. Its last member names the SHA-256 of every other one. It holds
everything that opens the city's personal data: mode 0600, and to be kept like the keys themselves.
"""

import asyncio
import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from engine import __version__, archiving
from engine.at_store import AtStore, at_store, store_url
from engine.errors import Fault, Refused, StoreDown
from engine.keeping import data_dir
from engine.settings import Settings
from engine.store import copying, embedded
from engine.store.client import Client
from engine.supervisor import UNFINISHED

MANIFEST, STORE = "manifest.json", "store.gz"
FORM = 1
"""Of the file. A newer form than this is refused."""
_LEFT = frozenset({"store", "lock", "pids", "rules_in_force", "clock_offset", "rules", UNFINISHED, "incidents.jsonl"})
_SETS = ("data/", "rules/")
_PATIENCE_S = 60.0
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(copying.Record).decode


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup holds, for people."""

    instant: int
    """The instant of the store's copy, ms since 1970."""
    held_ms: float
    """How long callers waited at its end."""
    records: int
    files: int
    outside: tuple[str, ...]
    """Secrets that come from the environment or other folders and are *not* in it."""


async def back_up(settings: Settings, target: Path) -> Made:
    """Write the backup; the service may be running. Raises `Refused` and `StoreDown`; then there is no file."""
    part = target.with_name(f".{target.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            async with at_store(settings) as at, _history_at_rest(at):
                made = await _written(settings, at, file, target)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return made


@contextlib.asynccontextmanager
async def _history_at_rest(at: AtStore) -> AsyncIterator[None]:
    """Nothing moves between store and history meanwhile, so that each record is in the copy once."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    while True:
        with at.history.alone() as alone:
            if alone:
                await archiving.finish(at.client, at.history, at.city)
                yield
                return
        if asyncio.get_running_loop().time() > deadline:
            raise StoreDown("records are being moved to the history; try again when that is done")
        await asyncio.sleep(0.5)


async def _written(settings: Settings, at: AtStore, file: IO[bytes], target: Path) -> Made:
    digests: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w") as tar:
        copy = copying.Copy(at.client, at.city.id)
        with tempfile.TemporaryFile(dir=target.parent) as records:
            with gzip.GzipFile(fileobj=records, mode="wb", compresslevel=1) as packed:
                async for record in copy.run():
                    raw = _pack(record)
                    packed.write(len(raw).to_bytes(4, "big") + raw)
            digests[STORE] = _add(tar, STORE, records)
        for name, path in (
            *_files(settings.data, "data/", _LEFT | {target.name}),
            *_files(settings.rules, "rules/", frozenset()),
        ):
            with path.open("rb") as found:
                digests[name] = _add(tar, name, found)
        manifest = {
            "form": FORM,
            "version": __version__,
            "city": at.city.id,
            "instant": copy.instant,
            "sha256": digests,
        }
        _add(tar, MANIFEST, io.BytesIO(json.dumps(manifest, indent=1).encode()))
    return Made(copy.instant, copy.held_ms, copy.records, len(digests) - 1, _outside(settings))


def _files(folder: Path, prefix: str, left: frozenset[str]) -> Iterator[tuple[str, Path]]:
    """Plain files under a folder (links are followed), without what starts with a dot, logs and sockets."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name in left or path.name.startswith(".") or path.suffix == ".log":
            continue
        if path.is_dir():
            yield from _files(path, f"{prefix}{path.name}/", frozenset())
        elif path.is_file():
            yield prefix + path.name, path


def _add(tar: tarfile.TarFile, name: str, found: IO[bytes]) -> str:
    """Put one open file into the archive; answers its digest. What it grows meanwhile is left out."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = found.seek(0, os.SEEK_END), 0o600
    found.seek(0)
    reading = _Reading(found)
    tar.addfile(member, reading)
    return reading.digest.hexdigest()


class _Reading:
    """Counts the digest of what is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        raw = self._file.read(size)
        self.digest.update(raw)
        return raw


def _outside(settings: Settings) -> tuple[str, ...]:
    places = {
        "FENLIU_WEBHOOK_SECRETS": settings.webhook_secrets,
        "FENLIU_PRIVACY_KEY": settings.privacy_key,
        "FENLIU_TOKENS_FILE": settings.tokens_file,
        "FENLIU_BODY_SECRETS_FILE": settings.body_secrets_file,
    }
    return tuple(name for name, given in places.items() if given)


# --- restoring


async def restore(settings: Settings, source: Path) -> dict[str, Any]:
    """Put a backup into an empty data dir and an empty store; answers its manifest.

    Raises `Refused` before anything is written: the file is damaged or newer, the data dir or the store not empty.
    """
    manifest = await asyncio.to_thread(checked, source)
    folder = settings.data
    if folder.exists() and any(folder.iterdir()):
        raise Refused(Fault(f"data dir {folder}", "is not empty", "an empty or new folder: nothing is overwritten"))
    data_dir(settings)
    (folder / UNFINISHED).touch()
    try:
        _unpacked(source, folder)
        async with _store(settings) as client:
            await _filled(client, manifest["city"], folder / STORE)
        (folder / STORE).unlink()
        (folder / UNFINISHED).unlink()
    except BaseException:
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
    return manifest


def checked(source: Path) -> dict[str, Any]:
    """The manifest, once every member was read and is what the manifest says. Raises `Refused`."""
    found: dict[str, str] = {}
    manifest: dict[str, Any] = {}
    try:
        with tarfile.open(source, "r|") as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is None:
                    raise Refused(Fault(str(source), f"{member.name[:80]!r} is no file", "a file of `fenliu backup`"))
                if member.name == MANIFEST:
                    manifest = json.loads(file.read())
                else:
                    found[member.name] = _digest(file)
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        raise Refused(Fault(str(source), f"cannot be read to its end: {error}", "a whole file")) from None
    _agree(source, manifest, found)
    return manifest


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while raw := file.read(1 << 20):
        digest.update(raw)
    return digest.hexdigest()


def _agree(source: Path, manifest: dict[str, Any], found: dict[str, str]) -> None:
    if not manifest:
        raise Refused(Fault(str(source), "has no manifest: it is no backup, or it is cut off", "a whole file"))
    if manifest["form"] > FORM:
        raise Refused(
            Fault(str(source), f"was written by Fenliu {manifest['version']}", "that version, or a newer one")
        )
    wrong = sorted(n for n in found.keys() | manifest["sha256"].keys() if found.get(n) != manifest["sha256"].get(n))
    wrong += [n for n in found if n != STORE and not (n.startswith(_SETS) and ".." not in Path(n).parts)]
    if wrong:
        raise Refused(Fault(f"{source}: {wrong[0][:80]}", "is not what was backed up", "an undamaged copy"))


def _unpacked(source: Path, folder: Path) -> None:
    """Every file for its owner only: `data/` into the data dir, `rules/` into its folder `rules`."""
    with tarfile.open(source, "r|") as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is None or member.name == MANIFEST:
                continue
            path = folder / member.name.removeprefix("data/")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                shutil.copyfileobj(file, out)


@contextlib.asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Client]:
    """The outside store, or an embedded one that runs for as long as it is filled."""
    client = Client(store_url(settings), timeout=60.0)
    process = None
    try:
        if not settings.store_url:
            process = embedded.start(settings.data, stderr=subprocess.DEVNULL)
            await _until_there(settings.data)
        await client.open()
        yield client
    finally:
        await client.close()
        if process is not None:
            process.terminate()
            process.wait(60)


async def _until_there(folder: Path) -> None:
    for _ in range(round(_PATIENCE_S * 20)):
        if embedded.answers(folder):
            return
        await asyncio.sleep(0.05)
    raise StoreDown(f"the embedded store did not start; its words are in {folder / 'store' / 'store.log'}")


async def _filled(client: Client, city: str, file: Path) -> None:
    if not await copying.is_empty(client, city):
        raise Refused(Fault("store", f"holds {city} already", "an empty store: nothing is overwritten"))
    with gzip.open(file) as records:
        await copying.put(client, city, _records(records))


def _records(file: IO[bytes] | gzip.GzipFile) -> Iterator[copying.Record]:
    while head := file.read(4):
        yield _unpack(file.read(int.from_bytes(head, "big")))
