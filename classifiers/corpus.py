"""The corpus: call texts written for this project, one JSON object a line, and the three parts they fall into.

A text's part (train, calibration, test) hangs on its content, never on its place in the file, so that
adding texts moves none. Texts that resemble each other share a part (see corpus_report).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from classifiers.normalise import fold

CORPUS = Path(__file__).parent / "corpus"
_EXAM = Path(__file__).parent / "exam"
EXAMS = {"calls written blind": _EXAM / "calls.jsonl", "hard calls written blind": _EXAM / "hard.jsonl"}
"""Calls by writers who had seen neither the corpus nor a model: measured on, never trained on."""
REGISTERS = (
    "plain", "panicked", "rambling", "child", "elderly", "drunk", "polite", "official", "rider", "shopkeeper",
    "foreigner", "dialect", "asr", "traditional", "two", "letter",
)  # fmt: skip
KINDS = ("ordinary", "danger", "harmless", "border", "harmless_border")
SPLITS = ("train", "calibration", "test")


@dataclass(frozen=True, slots=True)
class Text:
    """One labelled text. `danger` is about now and the next hours; `register` is how the person speaks."""

    id: str
    text: str
    category: str
    danger: bool
    register: str
    kind: str = "ordinary"
    """`ordinary`, `danger` (said indirectly or hidden in a civil complaint), `harmless` (frightening words only),
    `border` (made to sound like another matter: twins that differ in one fact, police work in civil words, and what was
    written after examples that an earlier model was unsure of or got wrong), `harmless_border` (harmless ones of
    these)."""
    split: str = "train"


_texts = msgspec.json.Decoder(Text)


def content_id(text: str) -> str:
    """Stable id of a text: the first 12 hex digits of SHA-256 over its folded form."""
    return hashlib.sha256(fold(text).encode()).hexdigest()[:12]


def split_of(key: str) -> str:
    """Part of a content id: 70 % train, 15 % calibration, 15 % test."""
    share = int(hashlib.sha256(b"split:" + key.encode()).hexdigest()[:8], 16) / 2**32
    return "train" if share < 0.70 else "calibration" if share < 0.85 else "test"


def read_lines(path: Path) -> Iterator[Text]:
    """The texts of one JSON-lines file."""
    yield from _texts.decode_lines(path.read_bytes())


def write_lines(path: Path, texts: Iterable[Text]) -> None:
    """Writes one JSON-lines file, one text a line."""
    lines = (json.dumps(asdict(text), ensure_ascii=False) for text in texts)
    path.write_text("".join(line + "\n" for line in lines), "utf-8")


def shipped(folder: Path = CORPUS) -> list[Text]:
    """The whole corpus, in file and line order."""
    return [text for path in sorted(folder.glob("*.jsonl")) for text in read_lines(path)]


def content_hash(folder: Path = CORPUS) -> str:
    """Hash of all corpus files: names and bytes."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.jsonl")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
