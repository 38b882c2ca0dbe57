"""Texts as rows of numbers, and the linear machines over them.

A machine's columns are first weighted by how much a feature leans to one side in the training texts (naive Bayes
log-count ratios, after Wang and Manning, "Baselines and Bigrams", ACL 2012): a feature that leans to neither side has
to be learned against a greater resistance, so that chance finds of rare pairs and triples count for less.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import diags
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from classifiers.features import rides_along, tokens
from classifiers.normalise import fold
from classifiers.weights import Floats

COST = 0.2
UNSURE = 0.5
"""Texts of either side that each feature is held to have been seen in besides."""
LEAST_WEIGHT = 1.0
"""Of a feature that leans to neither side."""
LEAST_TEXTS = 3
"""A feature must occur in so many texts."""


class Vectoriser:
    """TF-IDF of present-or-absent features, each row divided by the norm of its singles, pairs and concepts.

    Triples ride along: were they part of the norm, a text of rare words would lose its common ones.
    """

    def __init__(self) -> None:
        self._words = TfidfVectorizer(analyzer=_analyse, min_df=LEAST_TEXTS, binary=True, norm=None)

    def fit_transform(self, texts: list[str]) -> Any:
        """Learns the features of texts; their rows, sparse."""
        raw = self._words.fit_transform(texts)
        self.names: tuple[str, ...] = tuple(map(str, self._words.get_feature_names_out()))
        self.idf: Floats = self._words.idf_
        self.normed: npt.NDArray[np.bool_] = np.array([not rides_along(name) for name in self.names])
        return self._divided(raw)

    def transform(self, texts: list[str]) -> Any:
        """Rows of texts by the features learned, sparse."""
        return self._divided(self._words.transform(texts))

    def _divided(self, raw: Any) -> Any:
        norms = np.sqrt(np.asarray(raw.multiply(raw) @ self.normed).ravel())
        return diags(1.0 / np.where(norms > 0.0, norms, 1.0)) @ raw


def _analyse(text: str) -> list[str]:
    return tokens(fold(text))


class Line(NamedTuple):
    """A margin as features · slopes + offset."""

    slopes: Floats
    offset: float


def lines(features: Any, truths: list[npt.NDArray[np.bool_]], counts: Floats, *, balanced: bool) -> list[Line]:
    """Support vector machines over weighted columns. `counts`: how often each text counts. Each needs both sides."""
    present = (features != 0).T.astype(np.float64)
    return [_line(features, np.abs(leaning(present, truth, counts)) + LEAST_WEIGHT, truth, counts, balanced=balanced)
            for truth in truths]  # fmt: skip


def _line(features: Any, weights: Floats, truth: npt.NDArray[np.bool_], counts: Floats, *, balanced: bool) -> Line:
    machine = LinearSVC(C=COST, class_weight="balanced" if balanced else None, random_state=0)
    machine.fit(features @ diags(weights), truth, counts)
    return Line(machine.coef_[0] * weights, float(machine.intercept_[0]))


def leaning(present: Any, truth: npt.NDArray[np.bool_], counts: Floats) -> Floats:
    """Per feature the log of its share of all features in true texts over its share in the others.

    `present`: (features × texts) zeros and ones.
    """
    yes, no = (present @ (counts * side) + UNSURE for side in (truth, ~truth))
    result: Floats = np.log(yes / yes.sum()) - np.log(no / no.sum())
    return result
