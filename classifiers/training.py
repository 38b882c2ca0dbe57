"""Training: corpus → weights. scikit-learn's TF-IDF and linear machines, cross-fitted so that every calibration figure
comes from a model that never saw the text it judges.

Police or not, danger or not, and each group are machines of their own (linear.py). The topics share a narrow layer
(topics.py): words that mean the same for many are learned from all of them, which a machine per category cannot do. A
category also hears the margin of its group.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from scipy.optimize import minimize_scalar

from classifiers.corpus import Text
from classifiers.counting import Counted, counted
from classifiers.features import concepts
from classifiers.linear import Vectoriser, lines
from classifiers.matters import group_above, group_names, true_matters
from classifiers.topics import TEAM, Topics, joined, learned, single
from classifiers.weights import ABSENT, Floats, Singles
from engine.model.city import Taxonomy
from engine.model.reading import Matter

FOLDS = 4
"""Where a city's own texts or rules are trained on: few, for the sake of time. The shipped thresholds come from more
(calibrated.py)."""
KNOWN = 32_000
"""Features, by number of texts they stand in, that speak of topics; rarer ones, and triples, are left to the linear
machines."""
LOUDNESS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
"""How much of its group's margin a category may hear."""
PROCESSES = 2
"""Processes that train side by side."""
PARTS = 4
"""Pieces of work that the groups' machines are trained in, so that no process waits long for the other."""


@dataclass(slots=True)
class Machines:
    """The plain pipeline: vectoriser, topics over its `kept` columns, linear maps (groups, police, danger)."""

    vectoriser: Vectoriser
    categories: tuple[str, ...]
    kept: npt.NDArray[np.int64]
    topics: Topics
    groups: tuple[str, ...]
    slopes: Floats
    offsets: Floats

    def margins(self, texts: list[str]) -> Floats:
        """(texts × calm categories, endangered categories, groups, police, danger) by the plain path.

        The category columns are logits.
        """
        return self.margins_of(self.vectoriser.transform(texts))

    def margins_of(self, features: Any) -> Floats:
        """The same of rows of the vectoriser."""
        out = np.full((features.shape[0], 2 * len(self.categories)), ABSENT)
        out[:, self.topics.columns] = np.asarray(features[:, self.kept] @ self.topics.rows) + self.topics.bias
        return np.hstack([out, np.asarray(features @ self.slopes) + self.offsets])


class Fused(NamedTuple):
    """What of `Weights` follows from the machines alone."""

    deep: Singles
    topics: npt.NDArray[np.int32]
    topic_bias: Floats
    wide: Floats
    bias: Floats
    vocabulary: tuple[str, ...]


def fit(texts: list[Text], taxonomy: Taxonomy, loud: dict[str, int] | None = None, jobs: int = 1) -> Machines:
    """Trains on texts whose categories the taxonomy knows; `loud` says which ids count more than once.

    `jobs`: processes that train side by side.
    """
    return _fit(texts, counted([text.text for text in texts]), taxonomy, loud, jobs)


def _fit(texts: list[Text], seen: Counted, taxonomy: Taxonomy, loud: dict[str, int] | None, jobs: int) -> Machines:
    counts = np.array([float((loud or {}).get(text.id, 1)) for text in texts])
    words = Vectoriser(seen)
    features = words.rows(seen.rows)
    above = np.array([group_above(text.category, taxonomy) for text in texts])
    groups = tuple(map(str, np.unique(above)))
    danger = np.array([text.danger for text in texts])
    names = categories_of(texts)
    column = {name: at for at, name in enumerate(names)}
    labels = np.array([column[text.category] for text in texts]) + len(names) * danger
    kept = _common(features, words)
    sides, spoken = [above == group for group in groups], features[:, kept].astype(np.float32)
    side_by_side = Parallel(n_jobs=jobs, max_nbytes=None)  # memory-mapped features would be read only
    found = side_by_side(
        [
            *(delayed(learned)(spoken, labels, counts, way) for way in TEAM),  # the longest begin
            *(delayed(lines)(features, sides[at::PARTS], counts, balanced=False) for at in range(PARTS)),
            delayed(lines)(features, [_police(texts, taxonomy), danger], counts, balanced=True),
        ]
    )
    topics = joined(found[: len(TEAM)], words.idf[kept])
    *parts, last = found[len(TEAM) :]
    linear = [parts[at % PARTS][at // PARTS] for at in range(len(groups))] + last
    return Machines(
        words,
        names,
        kept,
        topics,
        groups,
        np.stack([one.slopes for one in linear], axis=1),
        np.array([one.offset for one in linear]),
    )


def _common(features: Any, words: Vectoriser) -> npt.NDArray[np.int64]:
    """Columns of the features that stand in most texts, triples apart."""
    eligible = np.flatnonzero(words.normed)
    most = np.argsort(-features.getnnz(axis=0)[eligible], kind="stable")[:KNOWN]
    return np.sort(eligible[most])


def _police(texts: list[Text], taxonomy: Taxonomy) -> npt.NDArray[np.bool_]:
    return np.array([matter is Matter.POLICE for matter in true_matters(texts, taxonomy)])


def fused(machines: Machines) -> Fused:
    """The machines as scorer.py reads them.

    Words that are no feature but raise a concept get rows of zeros, so that one look-up finds both.
    """
    names = machines.vectoriser.names
    order = np.concatenate([machines.kept, np.setdiff1d(np.arange(len(names)), machines.kept)])
    known = set(names)
    silent = sorted(word for word, kinds in concepts().items() if word not in known and known & set(kinds))
    idf, normed = machines.vectoriser.idf.reshape(-1, 1), machines.vectoriser.normed.reshape(-1, 1)
    rows, bias, columns = machines.topics
    wide = np.zeros((len(names) + len(silent), machines.slopes.shape[1] + 1))
    wide[: len(names)] = np.hstack([machines.slopes * idf, idf**2 * normed])[order]
    spelt = (*(names[at] for at in order), *silent)
    return Fused(single(rows * idf[machines.kept]), columns, bias, wide, machines.offsets, spelt)


def categories_of(texts: list[Text]) -> tuple[str, ...]:
    """The categories that texts have, in the order of a model's columns."""
    return tuple(sorted({text.category for text in texts}))


def folds(texts: list[Text], number: int = FOLDS) -> npt.NDArray[np.int64]:
    """The fold each text is held out in; hangs on its content."""
    return np.array([int(text.id[:6], 16) % number for text in texts])


def fit_crosswise(
    texts: list[Text], taxonomy: Taxonomy, loud: dict[str, int] | None = None, number: int = FOLDS
) -> Floats:
    """Margins of every text by machines that never saw it; columns as `Machines.margins`, categories of all texts."""
    names = categories_of(texts)
    where = folds(texts, number)
    every = counted([text.text for text in texts])
    parts = Parallel(n_jobs=PROCESSES)(
        delayed(_held_out)(texts, every, where, number, taxonomy, names, loud) for number in np.unique(where)
    )
    out = np.full((len(texts), 2 * len(names) + len(group_names(names, taxonomy)) + 2), ABSENT)
    for one, columns, margins in parts:
        out[np.ix_(np.flatnonzero(where == one), columns)] = margins
    return out


def _held_out(
    texts: list[Text],
    every: Counted,
    where: npt.NDArray[np.int64],
    number: int,
    taxonomy: Taxonomy,
    categories: tuple[str, ...],
    loud: dict[str, int] | None,
) -> tuple[int, npt.NDArray[np.int64], Floats]:
    """One fold's number, the columns its machines know, and their margins of the texts they never saw."""
    seen = every.of(where != number)
    machines = _fit([text for text, at in zip(texts, where, strict=True) if at != number], seen, taxonomy, loud, 1)
    others = every.rows[where == number][:, np.searchsorted(every.names, seen.names)]
    size = len(categories)
    calm = [categories.index(name) for name in machines.categories]
    above = group_names(categories, taxonomy)
    beside = [2 * size + above.index(name) for name in machines.groups]
    end = 2 * size + len(above)
    columns = np.array([*calm, *(at + size for at in calm), *beside, end, end + 1])
    return number, columns, machines.margins_of(machines.vectoriser.rows(others))


def softmax(margins: Floats, temperature: float) -> Floats:
    """Rows of probabilities."""
    scaled = margins * temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    result: Floats = scaled / scaled.sum(axis=1, keepdims=True)
    return result


def heard(logits: Floats, groups: Floats, loud: float, above: npt.NDArray[np.int64]) -> Floats:
    """Logits of which each has heard its group's margin; `above` is the group of each column."""
    result: Floats = logits + loud * groups[:, above]
    return result


def fit_hearing(
    logits: Floats, groups: Floats, above: npt.NDArray[np.int64], truth: npt.NDArray[np.int64]
) -> tuple[float, float]:
    """(temperature, loudness of the group before it): the loudness with most right columns, then the temperature with
    the least negative log-likelihood of the true ones. Likelihood alone would hear the groups less, and name fewer."""
    some = np.arange(len(truth))[:: max(1, len(truth) // 10_000)]
    few, beside, right = logits[some], groups[some], truth[some]
    loud = max(LOUDNESS, key=lambda one: int(np.sum(heard(few, beside, one, above).argmax(axis=1) == right)))
    clear = heard(few, beside, loud, above)

    def loss(temperature: float) -> float:
        shares = softmax(clear, temperature)
        return float(-np.log(np.maximum(shares[np.arange(len(right)), right], 1e-12)).mean())

    return float(minimize_scalar(loss, bounds=(0.05, 2.0), method="bounded").x), loud
