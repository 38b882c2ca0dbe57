"""Alerting room: where model files and proposals lie. A file appears whole or not at all, one writer at a time."""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.alerting.lifecycle import Proposal, digest_of
from engine.errors import Conflict, Fault, Refused

_PROPOSALS = "model_proposals"


class Shelf:
    """The models folder, and the proposals in the data dir."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self._data = folder, data

    def text(self, id_: str) -> str | None:
        """The file of a model; None when there is none."""
        with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
            return (self.folder / f"{id_}.yaml").read_text("utf-8")
        return None

    def proposal(self, id_: str) -> Proposal | None:
        """What waits for a second person."""
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.json.decode(self._waiting(id_).read_bytes(), type=Proposal)
        return None

    def waiting(self) -> frozenset[str]:
        """Ids of models with a proposal."""
        return frozenset(file.stem for file in (self._data / _PROPOSALS).glob("*.json"))

    def put(self, id_: str, text: str, base: str) -> None:
        """Store a text made from the one called `base` (empty: from none). Settles a proposal. Raises `Conflict`."""

        def write() -> None:
            self.same(id_, base)
            _write_whole(self.folder / f"{id_}.yaml", text)
            self._waiting(id_).unlink(missing_ok=True)

        self._alone(write)

    def keep(self, id_: str, proposal: Proposal) -> None:
        """Keep a proposal beside the file. Raises `Conflict` when the file is another than it was made from."""

        def write() -> None:
            self.same(id_, proposal.base)
            self._waiting(id_).parent.mkdir(mode=0o700, exist_ok=True)
            _write_whole(self._waiting(id_), msgspec.json.encode(proposal).decode())

        self._alone(write)

    def drop(self, id_: str) -> None:
        """The proposal is settled."""
        self._alone(lambda: self._waiting(id_).unlink(missing_ok=True))

    def same(self, id_: str, base: str) -> None:
        """Raises `Conflict` unless the file is the text called `base`."""
        text = self.text(id_)
        if base != ("" if text is None else digest_of(text)):
            raise Conflict(f"model {id_} was changed meanwhile" if text is not None else f"there is no model {id_}")

    def _waiting(self, id_: str) -> Path:
        return self._data / _PROPOSALS / f"{id_}.json"

    def _alone(self, write: Callable[[], None]) -> None:
        """With a lock of all processes."""
        try:
            with (self._data / "models.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                write()
        except OSError as error:
            what = f"the rules folder cannot be written: {error.strerror}"
            raise Refused(Fault("rules", what, "let the service's user write there")) from None


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
