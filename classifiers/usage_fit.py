"""Learns a city's usage from texts that it has labelled.

Where the line between two groups runs is custom: one city's mailbox files street vendors under commerce, another's
under urban construction, and letters read unlike calls. A linear machine learns it from the characters of the city's
own texts and from what the model hears of each group; a gate beside it says whether a text reads like those at all.
"""

from collections import Counter

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from classifiers.usage import pairs
from classifiers.weights import Floats, Habit

LEAST_TEXTS = 100
"""Fewer labelled texts than this teach no usage."""
LEAST_OF_GROUP = 5
LOUD = 0.2
"""How loud the model's margins of groups are beside the characters: of 0.1 to 1.2, tried on halves of the mailbox
development letters, 0.1 to 0.3 were alike."""
STRANGERS = 0.01
"""Share of the corpus's texts that the gate may take for the city's own."""


def learn_usage(said: list[str], groups: list[str], heard: Floats, others: list[str]) -> Habit | None:
    """The usage in a city's texts; None when they are too few or all of one group.

    `heard`: (texts × the model's groups) margins by a model that did not see the text. `others`: texts of the corpus,
    half of which teach the gate and half of which set it.
    """
    often = {name for name, count in Counter(groups).items() if count >= LEAST_OF_GROUP}
    rows = [at for at, name in enumerate(groups) if name in often]
    if len(rows) < LEAST_TEXTS or len(often) < 2:
        return None
    words = TfidfVectorizer(analyzer=pairs)
    own = words.fit_transform([said[at] for at in rows])
    sorter = LinearSVC(class_weight="balanced", random_state=0)
    sorter.fit(hstack([own, csr_matrix(heard[rows] * LOUD)]).tocsr(), [groups[at] for at in rows])
    slopes, offsets = _both_sides(sorter)
    width = own.shape[1]
    gate, at_least = _gate(own, words.transform(others))
    return Habit(
        groups=tuple(map(str, sorter.classes_)),
        vocabulary=tuple(map(str, words.get_feature_names_out())),
        idf=words.idf_,
        slopes=np.hstack([slopes[:, :width].T, gate.coef_.T]) * words.idf_[:, None],
        hears=slopes[:, width:].T * LOUD,
        offsets=np.append(offsets, gate.intercept_[0] - at_least),
    )


def _both_sides(machine: LinearSVC) -> tuple[Floats, Floats]:
    """Slopes and offsets of each class; of two classes scikit-learn keeps one line."""
    if len(machine.classes_) > 2:
        return machine.coef_, machine.intercept_
    return np.vstack([-machine.coef_, machine.coef_]), np.append(-machine.intercept_, machine.intercept_)


def _gate(own: csr_matrix, others: csr_matrix) -> tuple[LinearSVC, float]:
    """A machine that knows the city's texts from others, and the margin that only STRANGERS of others reach."""
    taught, held = others[::2], others[1::2]
    truth = np.repeat([True, False], [own.shape[0], taught.shape[0]])
    machine = LinearSVC(class_weight="balanced", random_state=0).fit(vstack([own, taught]).tocsr(), truth)
    return machine, float(np.quantile(machine.decision_function(held), 1.0 - STRANGERS))
