"""A city's own usage: into which groups its people sort texts like those it has labelled (usage_fit.py learns it).

It only speaks of the group: what may leave the police without a person is decided as before.
"""

from collections import Counter
from operator import add

import numpy as np

from classifiers.normalise import fold
from classifiers.weights import Floats, Habit


class Usage:
    """A habit ready to be asked. Safe to share between threads."""

    def __init__(self, habit: Habit) -> None:
        self._habit = habit
        self._rows = {name: row for row, name in enumerate(habit.vocabulary)}

    def group(self, text: str, heard: Floats) -> str:
        """The group the city sorts such a text into; empty when the text reads unlike the city's own.

        `heard`: the model's margins of its groups.
        """
        habit = self._habit
        found = Counter(row for gram in pairs(text) if (row := self._rows.get(gram)) is not None)
        rows, times = np.fromiter(found.keys(), np.int64), np.fromiter(found.values(), np.float64)
        norm = float(np.linalg.norm(times * habit.idf[rows])) or 1.0
        *margins, own = times @ habit.slopes[rows] / norm + habit.offsets
        if own <= 0.0:
            return ""
        return habit.groups[int(np.argmax(np.asarray(margins) + heard @ habit.hears))]


def pairs(text: str) -> list[str]:
    """Characters and pairs of neighbours of a text's folded form, as often as they stand there."""
    folded = fold(text)
    return [*folded, *map(add, folded, folded[1:])]
