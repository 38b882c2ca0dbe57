"""The fused inference path: one text → logits of every category, margins of police and of danger, in one pass.

idf is folded into the rows and idf² rides along as the last column, so that one accumulation over the rows of the
text's features gives the logits, the margins and the norm they are divided by. The loops are compiled (fused.pyx);
training.Machines, the plain path, gives the same figures to 1e-9 (held by a test).
"""

import re

from msgspec import Struct

from classifiers.features import concepts
from classifiers.fused import Grams, Rows
from classifiers.matters import police_groups
from classifiers.normalise import fold
from classifiers.weights import Floats, Weights

DANGER = -1
"""Column of `Scorer.direction` that means danger."""


LONG = 120
"""Characters from which on a text is a letter, whose opening (or title) says what it is about."""
OPENING = 0.35
"""How loud a letter's opening is beside the whole: of the own test part's letters of 120 to 160 characters 82 to 83 %
then get the right category for 0.2 to 0.4, and 79 % without. Only the category hears it: danger may stand anywhere."""
_LEAST, _MOST = 8, 40
_ENDS = re.compile(r"[。！？!?\n]")


class Score(Struct, frozen=True):
    """What the model says of one text, before any rule or threshold."""

    probabilities: Floats
    """Per category, summing to 1."""
    matters: tuple[float, float, float]
    """Per matter by its categories when no sign speaks, in the order of matters.MATTERS, summing to 1."""
    police: float
    """Probability of police work, signs apart (0-1)."""
    danger: float
    """Probability of danger (0-1)."""
    seen: int
    """Features of the text the model knows."""
    groups: Floats
    """Margin of each group."""


class Scorer:
    """A model ready to read. Safe to share between threads: nothing in it changes."""

    def __init__(self, weights: Weights, matters: Floats) -> None:
        """`matters` are zeros and ones: a category's matter when no sign speaks (matters.MatterMap)."""
        self.weights = weights
        index = {name: row for row, name in enumerate(weights.vocabulary)}
        raised = {
            index[word]: tuple(index[name] for name in names if name in index)
            for word, names in concepts().items()
            if word in index
        }
        self._grams = Grams(weights.vocabulary)
        ours = police_groups(weights.above, matters)
        self._rows = Rows(self._grams, weights, matters, ours, raised)

    def margins(self, text: str) -> tuple[Floats, int]:
        """Logits (calm categories, endangered categories), margins of groups, police and danger; features known."""
        return self._rows.margins(fold(text))

    def score(self, text: str, phrased: bool = False) -> Score:
        """Probabilities of one text; `phrased` says that a danger phrase speaks in it."""
        margins, seen = self._rows.margins(fold(text))
        first = opening(text)
        clearer = margins + OPENING * self._rows.margins(fold(first))[0] if first else None
        probabilities, matters, police, threat = self._rows.shares(margins)
        police, danger = self._rows.judged(margins, police, threat, phrased)
        if clearer is not None:
            probabilities, matters, _, _ = self._rows.shares(clearer)
        groups = margins[2 * len(probabilities) : -2]
        return Score(probabilities, matters, police, danger, seen, groups)

    def unseen(self, text: str) -> float:
        """Share of a text's character pairs that no training text had (0-1): drift shows here first."""
        folded = fold(text)
        pairs = len(folded) - 1
        return round(1.0 - self._grams.known_pairs(folded) / pairs, 3) if pairs > 0 else 0.0

    def decisive(self, text: str, column: int, number: int) -> list[int]:
        """Where the pairs of neighbours stand that pull most towards a category, or danger (`DANGER`), in their order.

        For reasons, not for decisions.
        """
        return self._rows.strongest(text, self._rows.direction(column), number)


def opening(text: str) -> str:
    """The first sentences of a long text, at least 8 and at most 40 characters; empty for a text that is not long."""
    if len(text) < LONG:
        return ""
    ends = (found.start() for found in _ENDS.finditer(text))
    return text[: min(next((end for end in ends if end >= _LEAST), _MOST), _MOST)]
