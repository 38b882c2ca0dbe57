"""The second opinion's model: an ONNX file with its tokenizer and labels, read from one folder and asked in batches.

`model.onnx` (inputs as Hugging Face exports them: `input_ids`, if wanted `attention_mask` and `token_type_ids`; first
output: logits, texts × labels), `tokenizer.json`, `labels.json` (a list, one name a column: a dotted category or a
matter), and, once fitted, `opinion.yaml`. onnxruntime and tokenizers (`fenliu[onnx]`) are imported on first use.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from classifiers.opinion import Limits, bears, standing_of
from classifiers.weights import Floats
from engine import strictyaml
from engine.errors import Fault, Refused
from engine.model.city import City
from engine.model.values import replace

MODEL, TOKENIZER, LABELS, FIT = "model.onnx", "tokenizer.json", "labels.json", "opinion.yaml"
FILES = (MODEL, TOKENIZER, LABELS, FIT)
_MOST_CHARACTERS = 2_000
"""Of a text; the beginning says what a letter is about, and a tokenizer's time grows with the length."""
_MOST_TOKENS = 256
"""Where tokenizer.json does not say itself."""
_INPUTS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
_TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_ALIKE = 0.001
"""A text's probabilities alone and in company may differ by so much."""
_PROBES = ("路灯坏了", "楼上漏水漏到我家，物业一直不管，已经半个月了")
_Share = Annotated[float, Field(ge=-1.0, le=1.01)]


class _Figures(strictyaml.Strict):
    """What the fit was made of; counts of labelled calls."""

    data: str
    calls: int = Field(ge=0)
    left_out: int = Field(ge=0)
    police: int = Field(ge=0)
    asked: int = Field(ge=0)
    diverted: int = Field(ge=0)
    kept: int = Field(ge=0)
    wrong: int = Field(ge=0)
    errors: int = Field(ge=0)


class FitFile(strictyaml.Strict):
    """`opinion.yaml`."""

    model: str
    classifier: str
    table: str
    alpha: float = Field(gt=0.0, le=0.05)
    confidence: float = Field(ge=0.5, lt=1.0)
    divert: _Share
    keep: _Share
    settle: _Share
    figures: _Figures

    @property
    def limits(self) -> Limits:
        """What it allows."""
        return Limits(self.model, self.classifier, self.table, self.divert, self.keep, self.settle)


@dataclass(frozen=True, slots=True)
class OpinionModel:
    """A loaded model; asked from one thread at a time."""

    labels: tuple[str, ...]
    fingerprint: str
    """SHA-256 over all files but `opinion.yaml`."""
    limits: Limits | None
    together: bool
    """Several texts go in one run; False where the model takes one, or answers otherwise in company."""
    session: Any
    tokenizer: Any
    inputs: tuple[tuple[str, Any], ...]
    """(name, number type) of each input."""

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """(texts × labels), each row summing to 1. Raises `ValueError` when the model answers something else."""
        parts = [texts] if self.together else [[text] for text in texts]
        return np.concatenate([self._run(part) for part in parts])

    def _run(self, texts: Sequence[str]) -> Floats:
        clean = [text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode() for text in texts]
        coded = self.tokenizer.encode_batch(clean)
        feed = {name: np.array([getattr(c, _INPUTS[name]) for c in coded], kind) for name, kind in self.inputs}
        logits = np.asarray(self.session.run(None, feed)[0], np.float64)
        if logits.shape != (len(texts), len(self.labels)):
            raise ValueError(f"the model answers {logits.shape} for {len(texts)} texts and {len(self.labels)} labels")
        if not np.isfinite(logits).all():
            raise ValueError("the model answers numbers that are none")
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Floats = raised / raised.sum(axis=1, keepdims=True)
        return shares


def read_folder(folder: Path, *, with_fit: bool = True) -> OpinionModel:
    """The model of a folder, tried once. Raises `Refused` with what is missing or wrong.

    `with_fit=False` leaves what was fitted earlier unread.
    """
    missing = [Fault(str(folder / name), "is missing") for name in FILES[:-1] if not (folder / name).is_file()]
    missing += [
        Fault(str(each), "is a folder", "put weights beside model.onnx: only files are part of its hash")
        for each in (folder.iterdir() if folder.is_dir() else ())
        if each.is_dir()
    ]
    if missing:
        raise Refused(*missing)
    before = _marks(folder)
    names = _labels(_bytes(folder / LABELS))
    limits = _limits(folder) if with_fit else None
    session, tokenizer = _session(folder / MODEL), _tokenizer(folder / TOKENIZER)
    inputs = _inputs(session, folder / MODEL)
    model = OpinionModel(names, _fingerprint(folder), limits, False, session, tokenizer, inputs)
    if _marks(folder) != before:
        raise Refused(Fault(str(folder), "changed while it was read", "it is read again when it stands still"))
    return _tried(model, folder / MODEL)


def _parts(folder: Path) -> list[Path]:
    """Every file of the model: weights may lie in files beside `model.onnx`."""
    return [each for each in sorted(folder.iterdir()) if each.is_file() and each.name[0] != "." and each.name != FIT]


def _marks(folder: Path) -> list[tuple[str, int, int, int]]:
    found = ((each.name, each.stat()) for each in _parts(folder))
    return [(name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in found]


def _fingerprint(folder: Path) -> str:
    """SHA-256 over names and contents."""
    digest = hashlib.sha256()
    for each in _parts(folder):
        with each.open("rb") as file:
            digest.update(each.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def examined(folder: Path, city: City) -> tuple[bool, str]:
    """(as it should be?, what a folder holds). Raises `Refused` naming what is missing or wrong in it."""
    model = read_folder(folder)
    standing = standing_of(model.labels, model.fingerprint, model.limits, city)
    runs = "" if model.together else ", one text a run"
    may = f"only suggests: {standing.why}"
    if standing.limits:
        may = f"decides beside the classifier {standing.limits.classifier}"
    right = standing.limits is not None or model.limits is None
    return right, f"second opinion: model {model.fingerprint[:12]}, {len(model.labels)} labels{runs}, {may}"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(Fault(str(path), f"cannot be read: {error.strerror}")) from None


def _labels(raw: bytes) -> tuple[str, ...]:
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) < 2 or not all(isinstance(name, str) for name in found):
        raise Refused(Fault(LABELS, "is no JSON list of names", "one name a column of the model, such as local.noise"))
    if len(set(found)) != len(found):
        raise Refused(Fault(LABELS, "names a label twice", "one name a column of the model"))
    return tuple(found)


def _limits(folder: Path) -> Limits | None:
    """What was fitted, if anything was; its figures must bear the promise it states."""
    if not (folder / FIT).exists():
        return None
    document = strictyaml.read(folder / FIT, FitFile)
    fit = document.value
    if fit.divert >= 0.0 and not bears(fit.figures.errors, fit.figures.police, fit.alpha, fit.confidence):
        right = "leave the file as `fenliu classifier opinion fit` writes it"
        raise Refused(document.fault(("divert",), "its figures do not bear the promise it states", right))
    return fit.limits


def _session(path: Path) -> Any:
    """On one thread, which never spins. By name: from bytes it would hold the interpreter while it loads."""
    ort = _library("onnxruntime", path)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Refused(Fault(str(path), f"is no ONNX model that runs here ({_first_line(error)})")) from None


def _tokenizer(path: Path) -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizers = _library("tokenizers", path)
    try:
        found = tokenizers.Tokenizer.from_str(_bytes(path).decode("utf-8"))
    except Exception as error:
        raise Refused(Fault(str(path), f"is no tokenizer ({_first_line(error)})", "as tokenizers saves it")) from None
    if found.truncation is None:
        found.enable_truncation(_MOST_TOKENS)
    if found.padding is None:
        found.enable_padding(pad_id=found.token_to_id("[PAD]") or 0)
    return found


def _library(name: str, path: Path) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise Refused(Fault(str(path), f"needs the package {name}", "pip install 'fenliu[onnx]'")) from None


def _inputs(session: Any, path: Path) -> tuple[tuple[str, Any], ...]:
    wanted = [(each.name, each.type) for each in session.get_inputs()]
    faults = [
        Fault(str(path), f"wants the input {name} of type {kind}", f"whole numbers named {', '.join(_INPUTS)}")
        for name, kind in wanted
        if name not in _INPUTS or kind not in _TYPES
    ]
    if "input_ids" not in dict(wanted):
        faults.append(Fault(str(path), "has no input input_ids", f"inputs named {', '.join(_INPUTS)}"))
    if faults:
        raise Refused(*faults)
    return tuple((name, _TYPES[kind]) for name, kind in wanted)


def _tried(model: OpinionModel, path: Path) -> OpinionModel:
    """The model after a first run: does it answer, and does it answer the same in company?"""
    try:
        alone = model.probabilities(_PROBES)
    except Exception as error:
        raise Refused(Fault(str(path), f"does not answer ({_first_line(error)})")) from None
    both = replace(model, together=True)
    try:
        alike = bool(np.abs(both.probabilities(_PROBES) - alone).max() <= _ALIKE)
    except Exception:  # a model exported for one text at a time
        alike = False
    return both if alike else model


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
