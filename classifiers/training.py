"""Training: corpus → weights. scikit-learn's TF-IDF, linear machines and narrow networks, cross-fitted so that every
calibration figure comes from a model that never saw the text it judges.

Police or not, danger or not, and each group are machines of their own (linear.py). The topics (categories, each calm
and with danger) share a layer that is narrower than they are many: words that mean the same for many topics are learned
from all of them, which a machine per category cannot do. The layer is linear, so that any number of such networks is in
the end one row of figures a feature (ADR 28). A category also hears the margin of its group.
"""

import contextlib
import ctypes
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from classifiers.corpus import Text
from classifiers.counting import Counted, counted
from classifiers.features import concepts
from classifiers.linear import Vectoriser, lines
from classifiers.matters import group_above, group_names, true_matters
from classifiers.weights import ABSENT, Floats, Singles
from engine.model.city import Taxonomy
from engine.model.reading import Matter

FOLDS = 4
"""Where a city's own texts or rules are trained on: few, for the sake of time. The shipped thresholds come from more
(calibrated.py)."""
NARROW = 192
KNOWN = 32_000
"""Features, by number of texts they stand in, that the networks see; rarer ones, and triples, are left to the linear
machines."""


class Way(NamedTuple):
    """How one network of the team is trained."""

    seed: int
    epochs: int
    deaf: float
    """Share of the features that it does not hear of a text, others in each epoch."""


TEAM = (Way(1, 13, 0.5), Way(2, 14, 0.6), Way(3, 14, 0.65))
"""Networks whose logits are averaged: one errs where the other does not. One that never hears all of a text leans on
more of its words and knows none of the training texts by heart."""
BATCH, STEPS = 6400, 20
"""Most texts in a step, and the least steps of an epoch, which a small corpus needs."""
PACE = 2e-2
"""Of the first epoch; falls evenly towards none."""
RESISTANCE = 1e-6
"""Against large weights, for each text of a step."""
LOUDNESS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
"""How much of its group's margin a category may hear."""
PROCESSES = 2
"""Processes that train side by side."""
PARTS = 4
"""Pieces of work that the groups' machines are trained in, so that no process waits long for the other."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ALWAYS = -1, -3, 2**31 - 1
"""Of mallopt (malloc.h), and the greatest size it takes."""


class Topics(NamedTuple):
    """Networks multiplied out: features · rows + bias are the logits of topics."""

    rows: Floats
    """(features they see × topics)."""
    bias: Floats
    columns: npt.NDArray[np.int64]
    """Column in (calm categories, endangered categories) of each topic."""


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
    sides = [above == group for group in groups]
    learned = Parallel(
        n_jobs=jobs, max_nbytes=None
    )(  # memory-mapped features would be read only
        [
            *(delayed(_network)(features[:, kept], labels, counts, way) for way in TEAM),  # the longest begin
            *(delayed(lines)(features, sides[at::PARTS], counts, balanced=False) for at in range(PARTS)),
            delayed(lines)(features, [_police(texts, taxonomy), danger], counts, balanced=True),
        ]
    )
    topics = _joined(learned[: len(TEAM)], words.idf[kept])
    *parts, last = learned[len(TEAM) :]
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


def _joined(team: list[Topics], idf: Floats) -> Topics:
    """The mean of what some networks say.

    Its rows are such that they, times `idf`, are kept in single precision without a change: both paths read the same.
    """
    by = idf.reshape(-1, 1)
    rows = _single(np.mean([one.rows for one in team], axis=0) * by) / by
    return Topics(rows, np.mean([one.bias for one in team], axis=0), team[0].columns)


def _single(values: Floats) -> Singles:
    result: Singles = values.astype(np.float32)
    return result


def _network(features: Any, labels: npt.NDArray[np.int64], counts: Floats, way: Way) -> Topics:
    """Trained in single precision, which halves the time."""
    size = max(1, min(BATCH, len(labels) // STEPS))
    network = MLPClassifier(
        (NARROW,), activation="identity", batch_size=size, alpha=RESISTANCE * size, max_iter=1, warm_start=True
    )
    _keep_memory()
    rows, chance = features.astype(np.float32), np.random.default_rng(way.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is chosen
        for epoch in range(way.epochs):
            pace = PACE * (1.0 - epoch / way.epochs)
            network.set_params(learning_rate_init=pace, random_state=1000 * way.seed + epoch)
            network.fit(_half_heard(rows, way.deaf, chance), labels, counts.astype(np.float32))
    into, out = (weights.astype(np.float64) for weights in network.coefs_)
    first, second = (bias.astype(np.float64) for bias in network.intercepts_)
    return Topics(into @ out, first @ out + second, np.asarray(network.classes_, dtype=np.int64))


def _keep_memory() -> None:
    """Arrays of a step stay with this process for the next one: else the kernel empties every page of each of them
    again, a fifth of a training's time. The GNU C library alone; elsewhere nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        tune = ctypes.CDLL(None).mallopt
        tune(_MMAP_THRESHOLD, _ALWAYS)
        tune(_TRIM_THRESHOLD, _ALWAYS)


def _half_heard(rows: Any, deaf: float, chance: np.random.Generator) -> Any:
    """Texts without a share of their features, the rest louder (dropout, after Srivastava and others, JMLR 2014)."""
    if not deaf:
        return rows
    heard = rows.copy()
    heard.data *= (chance.random(len(heard.data), np.float32) >= deaf) / np.float32(1.0 - deaf)
    heard.eliminate_zeros()
    return heard


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
    return Fused(_single(rows * idf[machines.kept]), columns.astype(np.int32), bias, wide, machines.offsets, spelt)


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
