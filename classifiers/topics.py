"""What features say of topics (categories, each calm and with danger): scikit-learn's networks with one narrow, linear
layer, trained on texts half heard, multiplied out and averaged to one row of figures a feature (ADR 28).
"""

import contextlib
import ctypes
import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from classifiers.weights import Floats, Singles

NARROW = 192
"""Units of the layer that all topics share."""


class Way(NamedTuple):
    """How one network of the team is trained."""

    seed: int
    epochs: int
    deaf: float
    """Share of the features that it does not hear of a text, others in each epoch."""


TEAM = (Way(1, 12, 0.5), Way(2, 13, 0.6), Way(3, 13, 0.65))
"""Networks whose logits are averaged: one errs where another does not. None hears all of a text: each leans on more of
its words, and not on those it knows by heart."""
BATCH, STEPS = 6400, 20
"""Most texts in a step, and how many steps an epoch has at least, which a small corpus needs."""
PACE = 2e-2
"""Of the first epoch; falls evenly towards none."""
RESISTANCE = 1e-6
"""Against large weights, for each text of a step."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_EVER, _OLD_MOST = 2**31 - 1, 32 << 20
"""Of mallopt (malloc.h): its two settings, the greatest size it takes, and what older C libraries take at most."""


class Topics(NamedTuple):
    """Networks multiplied out: features · rows + bias are the logits of topics."""

    rows: Floats
    """(features they see × topics)."""
    bias: Floats
    columns: npt.NDArray[np.int32]
    """Column in (calm categories, endangered categories) of each topic."""


def learned(features: Any, labels: npt.NDArray[np.int64], counts: Floats, way: Way) -> Topics:
    """One network, from sparse rows in single precision, which halves the time. `labels` are columns of topics."""
    steps = max(STEPS, -(-len(labels) // BATCH))
    size = -(-len(labels) // steps)  # as even as can be: a last step of one text would count like one of thousands
    network = MLPClassifier(
        (NARROW,), activation="identity", batch_size=size, alpha=RESISTANCE * size, max_iter=1, warm_start=True
    )
    _keep_memory()
    chance, counts = np.random.default_rng(way.seed), counts.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is chosen
        for epoch in range(way.epochs):
            pace = PACE * (1.0 - epoch / way.epochs)
            network.set_params(learning_rate_init=pace, random_state=1000 * way.seed + epoch)
            network.fit(_half_heard(features, way.deaf, chance), labels, counts)
    return _multiplied(network)


def _multiplied(network: MLPClassifier) -> Topics:
    """Both maps as one. Of two classes scikit-learn keeps the odds of the second alone."""
    into, out = (weights.astype(np.float64) for weights in network.coefs_)
    first, second = (bias.astype(np.float64) for bias in network.intercepts_)
    if len(network.classes_) == 2:
        out, second = out * [[-0.5, 0.5]], second * [-0.5, 0.5]
    return Topics(into @ out, first @ out + second, np.asarray(network.classes_, dtype=np.int32))


def joined(team: list[Topics], idf: Floats) -> Topics:
    """The mean of what some networks say.

    Its rows are such that they, times `idf`, are kept in single precision without a change: both paths read the same.
    """
    by = idf.reshape(-1, 1)
    rows = single(np.mean([one.rows for one in team], axis=0) * by) / by
    return Topics(rows, np.mean([one.bias for one in team], axis=0), team[0].columns)


def single(values: Floats) -> Singles:
    """In single precision."""
    result: Singles = values.astype(np.float32)
    return result


def _keep_memory() -> None:
    """Arrays of a step stay with this process, for as long as it lives: else the kernel empties every page of each of
    them again, a fifth of a training's time. The GNU C library alone; elsewhere nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        tune = ctypes.CDLL(None).mallopt
        if tune(_MMAP_THRESHOLD, _EVER) or tune(_MMAP_THRESHOLD, _OLD_MOST):
            tune(_TRIM_THRESHOLD, _EVER)


def _half_heard(rows: Any, deaf: float, chance: np.random.Generator) -> Any:
    """Texts without a share of their features, the rest louder (dropout, after Srivastava and others, JMLR 2014)."""
    few = rows.copy()
    few.data *= (chance.random(len(few.data), np.float32) >= deaf) / np.float32(1.0 - deaf)
    few.eliminate_zeros()
    return few
