"""Texts as rows of numbers, and the linear machines over them.

A machine's columns are first weighted by how much a feature leans to one side in the training texts (naive Bayes
log-count ratios, after Wang and Manning, "Baselines and Bigrams", ACL 2012): a feature that leans to neither side has
to be learned against a greater resistance, so that chance finds of rare pairs and triples count for less.
"""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import diags
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from classifiers.counting import Counted
from classifiers.features import rides_along, tokens
from classifiers.normalise import fold
from classifiers.weights import Floats

COST = 0.2
TOLERANCE = 1e-2
"""Where a machine's training may end: beside scikit-learn's own 1e-4 margins change by 0.0006 at most, in half the time
(one fold of four, police)."""
UNSURE = 0.5
"""Texts of either side that each feature is held to have been seen in besides."""
LEAST_WEIGHT = 1.0
"""Of a feature that leans to neither side."""


class Vectoriser:
    """TF-IDF of present-or-absent features, each row divided by the norm of its singles, pairs and concepts.

    Triples ride along: were they part of the norm, a text of rare words would lose its common ones.
    """

    def __init__(self, texts: Counted) -> None:
        """Learns the weights of features; `texts` are those it is trained on."""
        self.names: tuple[str, ...] = tuple(map(str, texts.names))
        seen = texts.rows.getnnz(axis=0)
        self.idf: Floats = np.log((1.0 + texts.rows.shape[0]) / (1.0 + seen)) + 1.0
        self.normed: npt.NDArray[np.bool_] = np.array([not rides_along(name) for name in self.names])

    def rows(self, counted: Any) -> Any:
        """Rows of counted texts, sparse; columns as `names`."""
        return self._divided(counted @ diags(self.idf))

    def transform(self, texts: list[str]) -> Any:
        """Rows of any texts, sparse, by scikit-learn's own path."""
        return self._divided(self._words.transform(texts))

    @cached_property
    def _words(self) -> TfidfVectorizer:
        words = TfidfVectorizer(analyzer=_analyse, vocabulary=self.names, binary=True, norm=None)
        words.idf_ = self.idf
        return words

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
    machine = LinearSVC(C=COST, tol=TOLERANCE, class_weight="balanced" if balanced else None, random_state=0)
    machine.fit(features @ diags(weights), truth, counts)
    return Line(machine.coef_[0] * weights, float(machine.intercept_[0]))


def leaning(present: Any, truth: npt.NDArray[np.bool_], counts: Floats) -> Floats:
    """Per feature the log of its share of all features in true texts over its share in the others.

    `present`: (features × texts) zeros and ones.
    """
    yes, no = (present @ (counts * side) + UNSURE for side in (truth, ~truth))
    result: Floats = np.log(yes / yes.sum()) - np.log(no / no.sum())
    return result
