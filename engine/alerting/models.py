"""Alerting room: the folder of models: read, checked as one, compiled, versioned by its content."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.alerting import set_checks
from engine.alerting.compiled import Compiled
from engine.alerting.compiling import compile_model
from engine.alerting.conditions import compile_when
from engine.alerting.fields import Moment
from engine.alerting.model_checks import check_model
from engine.alerting.model_schema import ModelFile, SilenceFile
from engine.alerting.nodes import Node
from engine.alerting.values import Facts
from engine.alerting.vocabulary_checks import Path as Place
from engine.alerting.vocabulary_checks import Words, check_when
from engine.errors import Fault, RulesRefused
from engine.model.city import City
from engine.strictyaml import Document, Strict, read, read_text
from engine.strictyaml_words import nearest

MAX_MODELS = 1000
MAX_BYTES = 64_000
"""One model file; a long list of words belongs into several models."""
SILENCES = "silences.yaml"


@dataclass(frozen=True, slots=True)
class Silenced:
    """A silence, compiled."""

    models: frozenset[str]
    when: Node | None
    from_: int
    until: int
    author: str

    def covers(self, model: str, facts: Facts) -> bool:
        """Whether this silence keeps the model quiet for this event."""
        if model not in self.models or not self.from_ <= facts.at < self.until:
            return False
        return self.when is None or self.when.test(facts.values)


@dataclass(frozen=True, slots=True)
class ModelSet:
    """All models of a folder that holds together."""

    models: tuple[Compiled, ...]
    files: dict[str, ModelFile]
    sources: dict[str, Path] = field(repr=False)
    silences: tuple[Silenced, ...]
    version: str
    """Hash of everything in the folder."""
    warnings: tuple[Fault, ...] = ()

    @property
    def active(self) -> tuple[Compiled, ...]:
        """Models that run: live ones and those in shadow."""
        return tuple(model for model in self.models if model.state in ("live", "shadow"))

    def silenced(self, model: str, facts: Facts) -> str:
        """`silence:<author>` when a silence covers the model now, else empty."""
        return next((f"silence:{each.author}" for each in self.silences if each.covers(model, facts)), "")


@dataclass(slots=True)
class _Folder:
    """A folder while it is read: what was understood, and every fault so far."""

    documents: dict[str, Document[ModelFile]] = field(default_factory=dict)
    sources: dict[str, Path] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    silences: Document[SilenceFile] | None = None


def load_models(folder: Path, city: City, instead: Mapping[str, str] | None = None) -> ModelSet:
    """Every model of a folder, compiled. Raises RulesRefused with all faults of all files at once.

    `instead`: file name → text that is read in place of the file, or beside the files: what an author is typing.
    """
    read_ = _read_folder(folder, instead or {})
    files = {id_: document.value for id_, document in read_.documents.items()}
    words = Words(city, frozenset(files))
    for document in read_.documents.values():
        check_model(document.value, city, words, _Complaints(document, read_.faults))
    for id_, path, what, right in set_checks.faults(files):
        read_.faults.append(_fault(read_.documents[id_], path, what, right))
    silences = _silences(read_, files, words, city)
    ranks = {id_: grade.rank for id_, grade in city.grades.items()}
    if read_.faults:
        raise RulesRefused(*sorted(set(read_.faults), key=_in_order)[:200])
    return ModelSet(
        models=tuple(_compiled(read_, words, city)),
        files=files,
        sources=read_.sources,
        silences=silences,
        version=_digest("".join(f"{id_}{hash_}" for id_, hash_ in sorted(read_.hashes.items())).encode()),
        warnings=tuple(
            _fault(read_.documents[id_], path, what, right)
            for id_, path, what, right in set_checks.warnings(files, ranks)
        ),
    )


def _in_order(fault: Fault) -> tuple[str, int, int, str]:
    """By file, line and column, as a person goes through them."""
    file, _, place = fault.where.partition(":")
    line, _, column = place.partition(":")
    return file, int(line or 0), int(column or 0), fault.what


def _read_folder(folder: Path, instead: Mapping[str, str]) -> _Folder:
    found = _Folder()
    files = set(folder.glob("*.yaml")) if folder.is_dir() else set()
    paths = sorted(files | {folder / name for name in instead})
    if len(paths) > MAX_MODELS:
        raise RulesRefused(
            Fault(folder.name, f"{len(paths)} files of models", f"at most {MAX_MODELS}: retire or merge some")
        )
    for path in paths:
        schema: type[Strict] = SilenceFile if path.name == SILENCES else ModelFile
        try:
            document = _document(path, schema, f"{folder.name}/{path.name}", instead.get(path.name))
        except RulesRefused as refused:
            found.faults.extend(refused.faults)
            continue
        text = instead.get(path.name)
        _keep(found, path, document, path.read_bytes() if text is None else text.encode())
    return found


def _document(path: Path, schema: type[Strict], name: str, text: str | None) -> Document[Any]:
    if text is None:
        return read(path, schema, max_bytes=MAX_BYTES, name=name)
    if len(text.encode()) > MAX_BYTES:
        raise RulesRefused(Fault(f"{name}:1:1", f"the file is larger than {MAX_BYTES} bytes", "split it"))
    return read_text(text, name, schema)


def _keep(found: _Folder, path: Path, document: Document[Any], content: bytes) -> None:
    value = document.value
    if isinstance(value, SilenceFile):
        found.silences = document
        found.hashes[SILENCES] = _digest(content)
        return
    id_ = value.id or path.stem
    if id_ in found.documents:
        other = found.sources[id_].name
        found.faults.append(document.fault(("id",), f'model "{id_}" stands in {other} too', "give it another id"))
        return
    if not id_.replace("_", "").isalnum() or not id_.isascii() or not id_[0].isalpha() or id_ != id_.lower():
        found.faults.append(
            Fault(f"{document.name}:1:1", f'"{id_}" is no model id', "small letters, digits and _, a letter first")
        )
        return
    found.documents[id_] = document
    found.sources[id_] = path
    found.hashes[id_] = _digest(content)


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=6).hexdigest()


class _Complaints:
    """Collects what is wrong in one document, each at its place."""

    def __init__(self, document: Document[Any], faults: list[Fault]) -> None:
        self._document, self._faults = document, faults

    def __call__(self, path: Place, what: str, right: str) -> None:
        self._faults.append(_fault(self._document, path, what, right))


def _fault(document: Document[Any], path: Place, what: str, right: str) -> Fault:
    """A fault at the written place: parts of a path that a short form leaves out are skipped."""
    written: Place = ()
    for part in path:
        if (*written, part) in document.values:
            written = (*written, part)
    return document.fault(written, what, right)


def _compiled(found: _Folder, words: Words, city: City) -> Iterator[Compiled]:
    for order, (id_, document) in enumerate(sorted(found.documents.items())):
        version = f"{document.value.version}-{found.hashes[id_][:8]}"
        yield compile_model(id_, document.value, version, order, words.vocabulary, city.grades)


def _silences(found: _Folder, files: dict[str, ModelFile], words: Words, city: City) -> tuple[Silenced, ...]:
    if found.silences is None:
        return ()
    document, made = found.silences, []
    for number, silence in enumerate(document.value.silences):
        path: Place = ("silences", number)
        complain = _Complaints(document, found.faults)
        for place, model in enumerate(silence.models):
            if model not in files:
                complain((*path, "models", place), f'there is no model "{model}"', nearest(model, files))
        if silence.when is not None:
            check_when(silence.when, Moment.CALL, words, (*path, "when"), complain)
        from_, until = (_instant(text, city.tz) for text in (silence.from_, silence.until))
        if from_ is None or until is None or until <= from_:
            complain((*path, "until"), "a silence needs an end after its beginning", "write 2026-03-02 18:00")
            continue
        if not found.faults:
            when = compile_when(silence.when, words.vocabulary) if silence.when is not None else None
            made.append(Silenced(frozenset(silence.models), when, from_, until, silence.author))
    return tuple(made)


def _instant(text: str, tz: str) -> int | None:
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz)).timestamp() * 1000)
    except ValueError:
        return None
