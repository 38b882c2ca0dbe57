"""Everything a trained model is: arrays and words, written to one folder that several processes share.

`deep.npy` (float32) and `wide.npy` (float64) are memory-mapped, one row a feature; `habit.npz` is what a city taught;
`model.json` holds the rest. Nothing is pickled, so a file somebody planted can be wrong but cannot run.
"""

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
"""Half the memory to walk through. Sums are made in double precision."""
ALPHA = 0.001
"""Share of police matters that may leave without a person, unless a city says otherwise (0.1 %)."""

ABSENT = -30.0
"""Logit or margin of what the training texts never showed: a category, one with danger, a group of the police."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a threshold promises of one kind of police call."""

    kind: str
    """Of corpus.KINDS; `ordinary` takes in the harmless, and kinds too rare for a promise of their own. Or `phrase`:
    calls of any kind in which danger phrases speak."""
    share: float
    """At most this share is diverted without a person."""
    calls: int
    """Held-out police calls of this kind."""
    errors: int
    """How many of them would have been diverted."""


DANGER_WEIGHS = 2.0
"""A call's risk is the probability of police work or so many times that of danger, whichever is greater (ADR 26)."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where decisions change; all are probabilities (0-1) except the counts."""

    divert: float
    """A call leaves the police without a person only when its risk is at most this."""
    keep: float
    """A call stays with the police without a person only when the police probability is at least this."""
    settle: float
    """Least probability of the matter (government or local) that needs no person."""
    danger: float
    """Danger score from which the learned detector speaks."""
    doubt: float
    """Danger score from which a call is not free of danger: a person looks."""
    suspect: float
    """Danger score from which a call that is police work anyway counts as danger."""
    phrased: float
    """A call in which familiar danger phrases speak leaves only when its risk is at most this; below 0 none does."""
    familiar: tuple[str, ...]
    """Danger phrases that the corpus knows from many calls without danger. Any other holds a call back for a person."""
    alpha: float
    """Share of ordinary police matters that may be diverted without a person."""
    confidence: float
    """Probability with which the promises hold, each by itself (see conformal.py)."""
    promises: tuple[Promise, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns margins into decisions."""

    temperature: float
    """Factor on the logits before softmax."""
    above: tuple[int, ...]
    """The group (a column of the groups) of each category."""
    loud: float
    """How much of its group's margin a category's logit hears."""
    police_line: tuple[float, ...]
    """Log-odds of police work: offset, then a slope for each column of calibration.evidence."""
    danger_line: tuple[float, ...]
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class Habit:
    """How a city sorts texts like its own into groups (usage.py). A row is a character or pair, times its idf."""

    groups: tuple[str, ...]
    vocabulary: tuple[str, ...]
    idf: Floats
    slopes: Floats
    """(characters and pairs × the city's groups and, last, the gate)."""
    hears: Floats
    """(the model's groups × the city's groups): what the model's margins of groups count."""
    offsets: Floats
    """Of the city's groups and the gate; the gate is open above 0."""


@dataclass(frozen=True, slots=True)
class Weights(Calibration):
    """A trained model, calibrated. A row is a feature, times its idf; those that speak of topics come first."""

    deep: Singles
    """(features that speak of topics × topics): a topic is a category, calm or endangered."""
    topics: npt.NDArray[np.int32]
    """Column, in (calm categories, endangered categories), of each topic; no text had the others."""
    topic_bias: Floats
    wide: Floats
    """(all features × groups, police, danger, idf²; the last is 0 for a triple, which is no part of the norm)."""
    bias: Floats
    """Of groups, police and danger."""
    vocabulary: tuple[str, ...]
    """Feature names in row order: n-grams, concepts (`#…`), then words that only raise concepts."""
    categories: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    """Figures of the training: hashes, sizes, versions."""
    habit: Habit | None = None
    """Only in what a city trained on texts of its own."""


def save(weights: Weights, folder: Path) -> None:
    """Writes the model beside `folder` and moves it there in one step; a model already there stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    fresh.chmod(0o755)
    np.save(fresh / "deep.npy", weights.deep)
    np.save(fresh / "wide.npy", weights.wide)
    rest = {
        "bias": weights.bias.tolist(),
        "topics": weights.topics.tolist(),
        "topic_bias": weights.topic_bias.tolist(),
        "vocabulary": list(weights.vocabulary),
        "categories": list(weights.categories),
        "temperature": weights.temperature,
        "above": list(weights.above),
        "loud": weights.loud,
        "police_line": list(weights.police_line),
        "danger_line": list(weights.danger_line),
        "thresholds": asdict(weights.thresholds),
        "facts": weights.facts,
    }
    (fresh / "model.json").write_text(json.dumps(rest, ensure_ascii=False), "utf-8")
    if weights.habit:
        kept = {name: np.asarray(value) for name, value in asdict(weights.habit).items()}
        np.savez(fresh / "habit.npz", allow_pickle=False, **kept)
    try:
        os.rename(fresh, folder)
    except OSError:  # another process was quicker: its model is the same
        shutil.rmtree(fresh)


def restore(folder: Path) -> Weights | None:
    """The model in a folder, its rows memory-mapped; None when there is none or it does not fit together."""
    try:
        rest = json.loads((folder / "model.json").read_text("utf-8"))
        weights = Weights(
            deep=np.load(folder / "deep.npy", mmap_mode="r", allow_pickle=False),
            wide=np.load(folder / "wide.npy", mmap_mode="r", allow_pickle=False),
            bias=np.asarray(rest["bias"], dtype=np.float64),
            topics=np.asarray(rest["topics"], dtype=np.int32),
            topic_bias=np.asarray(rest["topic_bias"], dtype=np.float64),
            vocabulary=tuple(rest["vocabulary"]),
            categories=tuple(rest["categories"]),
            temperature=float(rest["temperature"]),
            above=tuple(map(int, rest["above"])),
            loud=float(rest["loud"]),
            police_line=tuple(map(float, rest["police_line"])),
            danger_line=tuple(map(float, rest["danger_line"])),
            thresholds=_thresholds(rest["thresholds"]),
            facts=rest["facts"],
            habit=_habit(folder / "habit.npz"),
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, OverflowError):
        return None
    return weights if _fits_together(weights) else None


def _thresholds(rest: dict[str, Any]) -> Thresholds:
    promises = tuple(Promise(**one) for one in rest["promises"])
    return Thresholds(**rest | {"promises": promises, "familiar": tuple(map(str, rest["familiar"]))})


def _habit(path: Path) -> Habit | None:
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as kept:
        return Habit(
            groups=tuple(map(str, kept["groups"])),
            vocabulary=tuple(map(str, kept["vocabulary"])),
            idf=kept["idf"],
            slopes=kept["slopes"],
            hears=kept["hears"],
            offsets=kept["offsets"],
        )


def _fits_together(weights: Weights) -> bool:
    topics, columns = weights.topics, 2 * len(weights.categories)
    return (
        weights.deep.dtype == np.float32
        and weights.wide.dtype == np.float64
        and weights.deep.shape[1:] == topics.shape == weights.topic_bias.shape
        and len(topics) > 0
        and 0 <= topics.min() <= topics.max() < columns
        and len(weights.deep) <= len(weights.wide)
        and weights.wide.shape == (len(weights.vocabulary), len(weights.bias) + 1)
        and len(weights.above) == len(weights.categories)
        and max(weights.above, default=0) + 3 <= len(weights.bias)
        and (weights.habit is None or _habit_fits(weights.habit, len(weights.bias) - 2))
    )


def _habit_fits(habit: Habit, heard: int) -> bool:
    words, groups = len(habit.vocabulary), len(habit.groups)
    return (
        habit.slopes.shape == (words, groups + 1)
        and habit.idf.shape == (words,)
        and habit.hears.shape == (heard, groups)
        and habit.offsets.shape == (groups + 1,)
    )
