"""The fused inference path: one text → logits of every category, margins of police and of danger, in one pass.

idf is folded into the rows and idf² rides along as the last column, so that one accumulation over the rows of the
text's features gives the hidden layer's sums, both margins and the norm they are divided by. `_sparsetools.csr_matvecs`
adds the rows without copying them; scikit-learn's pipeline gives the same figures to 1e-9 (held by a test).
"""

from dataclasses import dataclass
from math import exp, log
from operator import add
from typing import Any

import numpy as np
from scipy.sparse import _sparsetools

from classifiers.features import concepts, grams
from classifiers.normalise import fold
from classifiers.weights import Floats, Weights

DANGER = -1
"""Column of `Scorer.direction` that means danger."""
_csr_matvecs: Any = _sparsetools.csr_matvecs


@dataclass(frozen=True, slots=True)
class Score:
    """What the model says of one text, before any rule or threshold."""

    probabilities: Floats
    """Per category, summing to 1."""
    police: float
    """Probability of police work, signs apart (0-1)."""
    danger: float
    """Probability of danger (0-1)."""
    seen: int
    """Features of the text the model knows."""


class Scorer:
    """A model ready to read. Safe to share between threads: nothing in it changes."""

    def __init__(self, weights: Weights, police: Floats) -> None:
        """`police` has a 1 for every category that is police work when no sign speaks."""
        self.weights = weights
        self._police = police
        self._index = {name: row for row, name in enumerate(weights.vocabulary)}
        self._row = self._index.get
        self._rows = np.asarray(weights.rows)  # a plain view: indexing a memmap costs three times as much
        self._flat = self._rows.reshape(-1)
        self._shape = weights.rows.shape
        self._ones = np.ones(4096)
        self._raises = {
            self._index[word]: tuple(self._index[name] for name in names if name in self._index)
            for word, names in concepts().items()
            if word in self._index
        }
        self._words = frozenset(self._raises)
        self._hidden = len(weights.network.first_bias)
        self._columns = 2 * len(weights.categories)
        self._loud_groups = np.array(2 * weights.above) + self._columns
        self._mean_pull = weights.network.second.mean(axis=1)

    def features(self, text: str) -> set[int]:
        """Row numbers of a text's features."""
        rows: set[Any] = set(map(self._row, grams(fold(text))))
        rows.discard(None)
        for word in rows & self._words:
            rows.update(self._raises[word])
        return rows

    def sums(self, text: str) -> tuple[Floats, int]:
        """Sums of the hidden layer, groups, police and danger before their biases; features known."""
        found = self.features(text)
        count = len(found)
        height, width = self._shape
        out = np.zeros(width)
        where = np.fromiter(found, np.int32, count)
        ones = self._ones[:count] if count <= 4096 else np.ones(count)
        _csr_matvecs(1, height, width, np.array((0, count), np.int32), where, ones, self._flat, out)
        norm = float(out[-1]) ** 0.5
        found_sums: Floats = out[:-1]
        if norm > 0.0:
            found_sums /= norm
        return found_sums, count

    def margins(self, text: str) -> tuple[Floats, int]:
        """Logits (calm categories, endangered categories), margins of groups, police and danger; features known."""
        sums, count = self.sums(text)
        net, width, columns = self.weights.network, self._hidden, self._columns
        hidden = sums[:width] + net.first_bias
        np.maximum(hidden, 0.0, out=hidden)
        out = np.empty(columns + len(self.weights.bias))
        logits = out[:columns]
        np.dot(hidden, net.second, out=logits)
        logits += net.second_bias
        np.add(sums[width:], self.weights.bias, out=out[columns:])
        return out, count

    def score(self, text: str, phrased: bool = False) -> Score:
        """Probabilities of one text; `phrased` says that a danger phrase speaks in it."""
        weights = self.weights
        margins, seen = self.margins(text)
        shares = margins[: self._columns] + margins[self._loud_groups] * weights.loud
        shares *= weights.temperature
        shares -= shares.max()
        np.exp(shares, out=shares)
        shares /= shares.sum()
        half = self._columns // 2
        calm, endangered = shares[:half], shares[half:]
        threat = float(endangered.sum())
        evidence = (
            float(margins[-2]),
            float(margins[-1]),
            log_odds(float(calm @ self._police) + threat),
            log_odds(threat),
            float(phrased),
        )
        police, danger = _weigh(weights.police_line, evidence), _weigh(weights.danger_line, evidence)
        return Score(calm + endangered, police, danger, seen)

    def unseen(self, text: str) -> float:
        """Share of a text's character pairs that no training text had (0-1): drift shows here first."""
        folded = fold(text)
        pairs = list(map(add, folded, folded[1:]))
        return round(1.0 - sum(map(self._index.__contains__, pairs)) / len(pairs), 3) if pairs else 0.0

    def direction(self, text: str, column: int) -> Floats:
        """What each column of a row is worth in this text for a category, or for danger (`DANGER`).

        Exact where the hidden layer is active: a rectified layer is linear there.
        """
        out = np.zeros(self._shape[1])
        if column == DANGER:
            out[-2] = 1.0
            return out
        sums, _ = self.sums(text)
        net, width = self.weights.network, self._hidden
        pull = net.second[:, column] + net.second[:, column + self._columns // 2] - 2.0 * self._mean_pull
        out[:width] = np.where(sums[:width] + net.first_bias > 0.0, pull, 0.0)
        out[width + self.weights.above[column]] = 2.0 * self.weights.loud
        return out

    def contributions(self, words: list[str], direction: Floats) -> list[float]:
        """What each n-gram adds along a direction (0 where it is unknown); for reasons, not for decisions."""
        rows = [self._index.get(word, -1) for word in words]
        pulls = self._rows[rows] @ direction if rows else np.zeros(0)
        return [pull if row >= 0 else 0.0 for row, pull in zip(rows, pulls.tolist(), strict=True)]


def log_odds(probability: float) -> float:
    """Probability → log-odds, held within ±13.8."""
    held = min(max(probability, 1e-6), 1.0 - 1e-6)
    return log(held / (1.0 - held))


def _weigh(line: tuple[float, ...], evidence: tuple[float, ...]) -> float:
    return logistic(line[0] + sum(slope * value for slope, value in zip(line[1:], evidence, strict=True)))


def logistic(odds: float) -> float:
    """Log-odds → probability, without overflow."""
    if odds < 0:
        power = exp(max(odds, -700.0))
        return power / (1.0 + power)
    return 1.0 / (1.0 + exp(-min(odds, 700.0)))
