"""Training: corpus → weights. scikit-learn's TF-IDF and linear SVMs, cross-fitted so that every calibration
figure comes from a model that never saw the text it judges.

Three linear machines look at the same features: one per category, one per group, one for police or not.
All are linear, so their weighted sum is one matrix; a category hears its group and its matter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from classifiers.corpus import Text
from classifiers.features import concepts, tokens
from classifiers.normalise import fold
from classifiers.weights import Floats
from engine.model.city import Taxonomy
from engine.model.reading import Matter

FOLDS = 5
COST = 2.0
"""Of the category and group machines (chosen by cross-validation on the corpus; flat between 1 and 10)."""
DANGER_COST = 0.5
GROUP_SHARE = 0.6
POLICE_SHARE = 0.2
"""How loudly group and matter speak in a category's margin; both flat around these."""


@dataclass(slots=True)
class Machines:
    """The scikit-learn pipeline: vectoriser and the combined linear map (features × categories + danger)."""

    vectoriser: TfidfVectorizer
    categories: tuple[str, ...]
    slopes: Floats
    offsets: Floats

    def margins(self, texts: list[str]) -> Floats:
        """(texts × categories + danger) margins by the plain path: vectorise, multiply, add."""
        features = self.vectoriser.transform(texts)
        return np.asarray(features @ self.slopes) + self.offsets


def vectoriser() -> TfidfVectorizer:
    """TF-IDF over the features of features.py; a feature must occur in two texts."""
    return TfidfVectorizer(analyzer=_analyse, min_df=2, binary=True)


def _analyse(text: str) -> list[str]:
    return tokens(fold(text))


def _one_against_rest(
    features: Any, labels: npt.NDArray[np.str_], cost: float
) -> tuple[tuple[str, ...], Floats, Floats]:
    """Names, slopes (features × names) and offsets of a linear SVM, a column for each of two classes too."""
    machine = LinearSVC(C=cost).fit(features, labels)
    names = tuple(str(name) for name in machine.classes_)
    slopes, offsets = machine.coef_.T, machine.intercept_
    if len(names) == 2:
        slopes, offsets = np.hstack([-slopes, slopes]), np.concatenate([-offsets, offsets])
    return names, slopes, offsets


def fit(texts: list[Text], taxonomy: Taxonomy) -> Machines:
    """Trains on texts whose categories the taxonomy knows."""
    table = taxonomy.categories
    words = vectoriser()
    features = words.fit_transform([text.text for text in texts])
    labels = np.array([text.category for text in texts])
    names, slopes, offsets = _one_against_rest(features, labels, COST)
    for share, of in (
        (GROUP_SHARE, lambda name: table[name].group_id),
        (POLICE_SHARE, lambda name: _police(table[name].matter)),
    ):
        kinds = np.array([of(name) for name in labels])
        above, more, extra = _one_against_rest(features, kinds, COST)
        pick = [above.index(of(name)) for name in names]
        slopes = slopes + share * more[:, pick]
        offsets = offsets + share * extra[pick]
    danger = LinearSVC(C=DANGER_COST, class_weight="balanced").fit(features, [text.danger for text in texts])
    return Machines(words, names, np.hstack([slopes, danger.coef_.T]), np.append(offsets, danger.intercept_))


def fused(machines: Machines) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Rows, bias and vocabulary for scorer.py: idf folded in, idf² as the last column.

    Words that are no feature but raise a concept get rows of zeros, so that one look-up finds both.
    """
    names = [str(name) for name in machines.vectoriser.get_feature_names_out()]
    known = set(names)
    silent = sorted(word for word, kinds in concepts().items() if word not in known and known & set(kinds))
    idf = machines.vectoriser.idf_.reshape(-1, 1)
    rows = np.zeros((len(names) + len(silent), machines.slopes.shape[1] + 1))
    rows[: len(names)] = np.hstack([machines.slopes * idf, idf**2])
    return rows, machines.offsets, (*names, *silent)


def _police(matter: Matter) -> str:
    return "police" if matter is Matter.POLICE else "other"


def cross_fit(texts: list[Text], taxonomy: Taxonomy, categories: tuple[str, ...]) -> Floats:
    """Margins of every text by a model that never saw it; columns as `categories`, then danger."""
    out = np.full((len(texts), len(categories) + 1), -9.0)
    folds = np.array([int(text.id[:6], 16) % FOLDS for text in texts])
    for fold_number in range(FOLDS):
        held = np.flatnonzero(folds == fold_number)
        if not len(held):
            continue
        machines = fit([text for text, at in zip(texts, folds, strict=True) if at != fold_number], taxonomy)
        columns = [categories.index(name) for name in machines.categories]
        out[np.ix_(held, [*columns, len(categories)])] = machines.margins([texts[at].text for at in held])
    return out


def softmax(margins: Floats, temperature: float) -> Floats:
    """Rows of probabilities."""
    scaled = margins * temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    result: Floats = scaled / scaled.sum(axis=1, keepdims=True)
    return result


def fit_temperature(margins: Floats, truth: npt.NDArray[np.int64]) -> float:
    """Temperature with the least negative log-likelihood of the true categories."""

    def loss(temperature: float) -> float:
        chosen = softmax(margins, temperature)[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(minimize_scalar(loss, bounds=(0.2, 20.0), method="bounded", options={"xatol": 0.02}).x)


def fit_line(margins: Floats, truth: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset from margin to log-odds (Platt)."""
    machine = LogisticRegression(C=1e6).fit(margins.reshape(-1, 1), truth)
    return float(machine.coef_[0, 0]), float(machine.intercept_[0])
