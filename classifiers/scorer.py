"""The fused inference path: one text → margins of every category and of danger, in one pass over its rows.

idf is folded into the rows and idf² rides along as the last column, so that one accumulation over the rows
of the text's features gives the sums and the norm they are divided by. `_sparsetools.csr_matvecs` adds the rows
without copying them; scikit-learn's pipeline gives the same figures to 1e-9 (held by a test).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import _sparsetools

from classifiers.features import CONCEPT_MARK, concepts, grams
from classifiers.normalise import fold
from classifiers.weights import Floats, Weights

_csr_matvecs: Any = _sparsetools.csr_matvecs


@dataclass(frozen=True, slots=True)
class Score:
    """What the model says of one text, before any rule or threshold."""

    probabilities: Floats
    """Per category, summing to 1."""
    danger: float
    """Probability of danger (0-1)."""
    seen: int
    """Features of the text the model knows."""


class Scorer:
    """A model ready to read. Safe to share between threads: nothing in it changes."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._index = {name: row for row, name in enumerate(weights.vocabulary)}
        self._row = self._index.get
        self._flat = np.asarray(weights.rows).reshape(-1)
        self._shape = weights.rows.shape
        self._ones = np.ones(4096)
        self._raises = {
            self._index[word]: tuple(self._index[name] for name in names if name in self._index)
            for word, names in concepts().items()
            if word in self._index
        }
        self._words = frozenset(self._raises)

    def features(self, text: str) -> set[int]:
        """Row numbers of a text's features."""
        rows: set[Any] = set(map(self._row, grams(fold(text))))
        rows.discard(None)
        for word in rows & self._words:
            rows.update(self._raises[word])
        return rows

    def margins(self, text: str) -> tuple[Floats, int]:
        """Linear margins (categories, then danger) and the number of features known."""
        found = self.features(text)
        count = len(found)
        height, width = self._shape
        out = np.zeros(width)
        where = np.fromiter(found, np.int32, count)
        ones = self._ones[:count] if count <= 4096 else np.ones(count)
        _csr_matvecs(1, height, width, np.array((0, count), np.int32), where, ones, self._flat, out)
        norm = float(out[-1]) ** 0.5
        sums: Floats = out[:-1]
        if norm > 0.0:
            sums /= norm
        sums += self.weights.bias
        return sums, count

    def score(self, text: str) -> Score:
        """Probabilities of one text."""
        margins, seen = self.margins(text)
        scaled = margins[:-1] * self.weights.temperature
        scaled -= scaled.max()
        np.exp(scaled, out=scaled)
        scaled /= scaled.sum()
        slope, offset = self.weights.danger_line
        return Score(scaled, logistic(slope * float(margins[-1]) + offset), seen)

    def contributions(self, words: list[str], column: int) -> list[float]:
        """What each n-gram adds to a column (0 where it is unknown); for reasons, not for decisions."""
        rows = self.weights.rows
        return [0.0 if (row := self._row(word)) is None else float(rows[row, column]) for word in words]


def logistic(odds: float) -> float:
    """Log-odds → probability, without overflow."""
    if odds < 0:
        power = float(np.exp(max(odds, -700.0)))
        return power / (1.0 + power)
    return 1.0 / (1.0 + float(np.exp(-min(odds, 700.0))))


def is_concept(name: str) -> bool:
    """Whether a feature is a concept rather than an n-gram."""
    return name.startswith(CONCEPT_MARK)
