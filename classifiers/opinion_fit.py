"""Thresholds of the second opinion, fitted on a city's labelled calls by the classifier's own conformal procedure.

The promise is made for both models together: of the police calls in the file, those that the classifier diverts alone
and those that the opinion would divert are errors alike, and the bound on their share stays under the classifier's α.
With too few police calls for that nothing is diverted.
"""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from classifiers.conformal import divert_threshold, precision_threshold, upper_bound
from classifiers.corpus import content_id, shipped
from classifiers.evaluate import Labelled
from classifiers.masking import mask
from classifiers.matters import matter_of
from classifiers.normalise import plain
from classifiers.opinion import Limits, Standing, likeliest, may_decide, shares_of, standing_of, table_of, unsure
from classifiers.opinion_model import FIT, OpinionModel
from classifiers.reader import Reader
from classifiers.weights import Floats
from engine.errors import Fault, Refused
from engine.model.city import City
from engine.model.reading import Matter, Reading

PRECISION = 0.97
"""Of the calls it keeps, or gives to a side that is not the police, at least this share must be right."""
LEAST = 20
"""Fewer calls say nothing of a share."""
_NEVER = 1.01
_BATCH = 32
_STAYS, _GONE = 2.0, -1.0
_GRAIN = 1e9
"""Thresholds are written with nine decimals, rounded to the careful side."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One labelled call as both models see it."""

    matter: Matter
    """Whose matter it is; danger is police work."""
    danger: bool
    reading: Reading
    shares: dict[Matter, float] | None
    """The opinion's probability of each matter; None where it is not asked."""

    @property
    def gone(self) -> bool:
        """The classifier alone sends it away."""
        return not self.reading.review and not self.reading.danger and self.reading.matter is not Matter.POLICE

    @property
    def leaving(self) -> dict[Matter, float]:
        """The probabilities where the opinion thinks it is not police work; empty otherwise."""
        return self.shares if self.shares and likeliest(self.shares) is not Matter.POLICE else {}

    @property
    def risk(self) -> float:
        """What a threshold is compared with: a call leaves when its risk is at most that."""
        return _GONE if self.gone else self.leaving.get(Matter.POLICE, _STAYS)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """As in `Limits`, with the police calls that both models together would divert."""

    divert: float
    keep: float
    settle: float
    errors: int


def fitted(judged: Sequence[Judged], alpha: float, confidence: float) -> Thresholds:
    """The thresholds; no call labelled as danger may be diverted by the opinion, whatever α would allow."""
    risks = np.array([one.risk for one in judged if one.matter is Matter.POLICE])
    divert = min(divert_threshold(risks, alpha, confidence)[0], 0.5)
    dangers = [one.risk for one in judged if one.danger and one.leaving]
    divert = _down(min([divert, *(math.nextafter(risk, _GONE) for risk in dangers)]))
    divert = divert if divert >= 0.0 else -1.0
    sent = [(max(one.leaving.values()), likeliest(one.leaving) is one.matter) for one in judged
            if one.leaving and one.leaving[Matter.POLICE] <= divert]  # fmt: skip
    held = [(one.shares[Matter.POLICE], one.matter is Matter.POLICE) for one in judged
            if one.shares and not one.leaving]  # fmt: skip
    return Thresholds(divert, _lowest(held), _lowest(sent), int(np.count_nonzero(risks <= divert)))


def _lowest(rows: list[tuple[float, bool]]) -> float:
    """Lowest share from which on enough of the rows are right; above 1 when none is or the rows are few."""
    if len(rows) < LEAST:
        return _NEVER
    scores, right = (np.array(column) for column in zip(*rows, strict=True))
    return min(-_down(-precision_threshold(scores, right, PRECISION)), _NEVER)


def _down(threshold: float) -> float:
    """Nine decimals, never above the threshold: its product with the grain may itself have been rounded up."""
    grains = math.floor(threshold * _GRAIN)
    return grains / _GRAIN if grains / _GRAIN <= threshold else (grains - 1) / _GRAIN


@dataclass(frozen=True, slots=True)
class Figures:
    """What a fit was made of and what it does to these calls; counts, but for `data` (their hash)."""

    data: str
    calls: int
    left_out: int
    """Rows said twice, of the corpus the classifier learned from, or with a label that does not tell the matter."""
    police: int
    asked: int
    diverted: int
    """By the opinion; `kept` likewise."""
    kept: int
    wrong: int
    """Of those two, how many belong to another matter."""
    errors: int
    """Police calls diverted by either model."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The fit of one folder."""

    limits: Limits
    alpha: float
    confidence: float
    figures: Figures

    @property
    def needed(self) -> int:
        """Police calls from which on the promise can be borne at all, without a single error among them."""
        return math.ceil(math.log(1.0 - self.confidence) / math.log(1.0 - self.alpha))

    @property
    def bound(self) -> float:
        """Share of police calls that both models together stay under, with the stated confidence."""
        return upper_bound(self.figures.errors, self.figures.police, self.confidence)


def fit(reader: Reader, model: OpinionModel, rows: list[Labelled]) -> Fit:
    """The fit of a model beside a reader on labelled calls that neither of them learned from. Raises `Refused`."""
    standing = standing_of(model.labels, model.fingerprint, None, reader.city)
    known, left_out = _usable(rows, reader.city)
    judged = _judged(reader, model, standing, known)
    facts = reader.weights.thresholds
    found = fitted(judged, facts.alpha, facts.confidence)
    version = str(reader.weights.facts.get("version", ""))
    table = table_of(reader.city)
    limits = Limits(model.fingerprint, version, table, found.divert, found.keep, found.settle)
    asked = [one for one in judged if one.shares]
    decided = [(likeliest(one.shares), one.matter) for one in asked if one.shares and may_decide(one.shares, limits)]
    kept = sum(said is Matter.POLICE for said, _ in decided)
    data = hashlib.sha256("\n".join(sorted(f"{content_id(text)} {matter}" for text, matter, _ in known)).encode())
    figures = Figures(
        data=data.hexdigest(),
        calls=len(judged),
        left_out=left_out,
        police=sum(one.matter is Matter.POLICE for one in judged),
        asked=len(asked),
        diverted=len(decided) - kept,
        kept=kept,
        wrong=sum(said is not true for said, true in decided),
        errors=found.errors,
    )
    return Fit(limits, facts.alpha, facts.confidence, figures)


def _usable(rows: list[Labelled], city: City) -> tuple[list[tuple[str, Matter, bool]], int]:
    """(masked text, matter, danger) of the rows that may count, each text once; and how many may not."""
    categories, names = city.taxonomy.categories, {matter.value for matter in Matter}
    faults = [
        Fault(
            f"row {at}", f"{row.category or row.matter!r} is not known here", "a category of taxonomy.yaml or a matter"
        )
        for at, row in enumerate(rows, 1)
        if (row.category and row.category not in categories) or (row.matter and row.matter not in names)
    ]
    if faults:
        raise Refused(*faults[:20])
    learned = {text.id for text in shipped() if text.split != "test"}
    found: dict[str, tuple[str, Matter, bool]] = {}
    for row in rows:
        text = mask(row.text)
        if content_id(text) in learned or not (row.matter or row.category or row.danger):
            continue
        calm = row.matter or matter_of(categories[row.category], frozenset(), city.taxonomy) if not row.danger else ""
        found.setdefault(plain(text), (text, Matter(calm or "police"), bool(row.danger)))
    return list(found.values()), len(rows) - len(found)


def _judged(
    reader: Reader, model: OpinionModel, standing: Standing, known: list[tuple[str, Matter, bool]]
) -> list[Judged]:
    readings = [reader.read(text) for text, _, _ in known]
    asked = [at for at, reading in enumerate(readings) if unsure(reading)]
    said: dict[int, Floats] = {}
    for start in range(0, len(asked), _BATCH):
        part = asked[start : start + _BATCH]
        said |= dict(zip(part, model.probabilities([known[at][0] for at in part]), strict=True))
    return [
        Judged(matter, danger, readings[at], shares_of(said[at], standing) if at in said else None)
        for at, (_, matter, danger) in enumerate(known)
    ]


def write(found: Fit, folder: Path) -> Path:
    """`opinion.yaml` in the folder, put there in one step."""
    limits, figures = found.limits, asdict(found.figures)
    lines = [
        "# Made by `fenliu classifier opinion fit`. Holds for exactly this model beside exactly this classifier.",
        f"model: {json.dumps(limits.model)}",
        f"classifier: {json.dumps(limits.classifier)}",
        f"table: {json.dumps(limits.table)}",
        f"alpha: {found.alpha:.9f}",
        f"confidence: {found.confidence:.9f}",
        *(f"{name}: {getattr(limits, name):.9f}" for name in ("divert", "keep", "settle")),
        "figures:",
        *(f"  {name}: {json.dumps(value)}" for name, value in figures.items()),
    ]
    path, part = folder / FIT, folder / f".{FIT}.{os.getpid()}"
    part.write_text("\n".join(lines) + "\n", "utf-8")
    part.replace(path)
    return path


def as_json(found: Fit) -> dict[str, object]:
    """For `--json`."""
    return asdict(found) | {"needed": found.needed, "bound": found.bound}
