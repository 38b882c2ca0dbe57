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
from sklearn.svm import LinearSVC

from classifiers.corpus import Text
from classifiers.features import concepts, tokens
from classifiers.matters import true_matters
from classifiers.normalise import fold
from classifiers.weights import Floats
from engine.model.city import Taxonomy
from engine.model.reading import Matter

FOLDS = 5
ABSENT = -3.0
"""Margin of a category that a fold never saw."""
COST = 2.0
"""Of the category and group machines. Compared once, on an early third of the corpus: 1 to 10 were alike."""
YES_NO_COST = 1.0
"""Of the police and danger machines."""
GROUP_SHARE = 0.6
POLICE_SHARE = 0.2
"""How loudly group and matter speak in a category's margin. Of 0.3, 0.6 and 1 for the group, 0.6 was best on an
early part of the corpus; for the matter 0.15 and 0.3 were alike there and this lies between."""


@dataclass(slots=True)
class Machines:
    """The scikit-learn pipeline: vectoriser and one linear map, features × (categories, police, danger)."""

    vectoriser: TfidfVectorizer
    categories: tuple[str, ...]
    slopes: Floats
    offsets: Floats

    def margins(self, texts: list[str]) -> Floats:
        """(texts × categories, police, danger) margins by the plain path: vectorise, multiply, add."""
        features = self.vectoriser.transform(texts)
        return np.asarray(features @ self.slopes) + self.offsets


def vectoriser() -> TfidfVectorizer:
    """TF-IDF over the features of features.py; a feature must occur in two texts."""
    return TfidfVectorizer(analyzer=_analyse, min_df=2, binary=True)


def _analyse(text: str) -> list[str]:
    return tokens(fold(text))


def _one_against_rest(
    features: Any, labels: npt.NDArray[np.str_], cost: float, counts: Floats
) -> tuple[tuple[str, ...], Floats, Floats]:
    """Names, slopes (features × names) and offsets of a linear SVM, a column for each of two classes too."""
    machine = LinearSVC(C=cost).fit(features, labels, sample_weight=counts)
    names = tuple(str(name) for name in machine.classes_)
    slopes, offsets = machine.coef_.T, machine.intercept_
    if len(names) == 2:
        slopes, offsets = np.hstack([-slopes, slopes]), np.concatenate([-offsets, offsets])
    return names, slopes, offsets


def fit(texts: list[Text], taxonomy: Taxonomy, loud: dict[str, int] | None = None) -> Machines:
    """Trains on texts whose categories the taxonomy knows; `loud` says which ids count more than once."""
    counts = np.array([float((loud or {}).get(text.id, 1)) for text in texts])
    table = taxonomy.categories
    words = vectoriser()
    features = words.fit_transform([text.text for text in texts])
    labels = np.array([text.category for text in texts])
    names, slopes, offsets = _one_against_rest(features, labels, COST, counts)
    groups = {name: table[name].group_id for name in names}
    matters = {name: "police" if table[name].matter is Matter.POLICE else "other" for name in names}
    for share, kind in ((GROUP_SHARE, groups), (POLICE_SHARE, matters)):
        above, more, extra = _one_against_rest(features, np.array([kind[name] for name in labels]), COST, counts)
        pick = [above.index(kind[name]) for name in names]
        slopes = slopes + share * more[:, pick]
        offsets = offsets + share * extra[pick]
    police = LinearSVC(C=YES_NO_COST, class_weight="balanced").fit(features, _calm_police(texts, taxonomy), counts)
    danger = LinearSVC(C=YES_NO_COST, class_weight="balanced").fit(features, [text.danger for text in texts], counts)
    # In C order: otherwise every product with a sparse row copies the whole map first.
    slopes = np.ascontiguousarray(np.hstack([slopes, police.coef_.T, danger.coef_.T]))
    return Machines(words, names, slopes, np.concatenate([offsets, police.intercept_, danger.intercept_]))


def _calm_police(texts: list[Text], taxonomy: Taxonomy) -> list[bool]:
    return [matter is Matter.POLICE for matter in true_matters(texts, taxonomy)]


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


def folds(texts: list[Text]) -> npt.NDArray[np.int64]:
    """The fold each text is held out in; hangs on its content."""
    return np.array([int(text.id[:6], 16) % FOLDS for text in texts])


def cross_fit(
    texts: list[Text], taxonomy: Taxonomy, categories: tuple[str, ...], loud: dict[str, int] | None = None
) -> Floats:
    """Margins of every text by machines that never saw it; columns as `categories`, police, danger."""
    out = np.full((len(texts), len(categories) + 2), ABSENT)
    where = folds(texts)
    for number in range(FOLDS):
        held = np.flatnonzero(where == number)
        if not len(held):
            continue
        machines = fit([text for text, at in zip(texts, where, strict=True) if at != number], taxonomy, loud)
        columns = [categories.index(name) for name in machines.categories]
        columns += [len(categories), len(categories) + 1]
        out[np.ix_(held, np.array(columns))] = machines.margins([texts[at].text for at in held])
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
