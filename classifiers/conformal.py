"""Thresholds with a guarantee, after conformal risk control (Angelopoulos et al. 2022; Bates et al. 2021, RCPS).

Risk falls as the threshold falls, so the largest threshold whose upper confidence bound stays under α is
taken. The bound is Clopper and Pearson's for a share of independent yes-or-no errors; it holds for calls that
resemble the held-out ones, and says so in the model card.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from classifiers.weights import Floats


def upper_bound(errors: int, calls: int, confidence: float) -> float:
    """Share that the true error rate stays under with this confidence, given `errors` in `calls`."""
    if errors >= calls:
        return 1.0
    return float(beta.ppf(confidence, errors + 1, calls - errors))


def allowed_errors(calls: int, alpha: float, confidence: float) -> int:
    """Most errors among `calls` with which the bound stays under alpha; -1 when even none is too many."""
    allowed = -1
    while allowed + 1 < calls and upper_bound(allowed + 1, calls, confidence) <= alpha:
        allowed += 1
    return allowed


def divert_threshold(risks: Floats, alpha: float, confidence: float) -> tuple[float, int]:
    """(threshold, errors): a call with risk ≤ threshold may be diverted; `risks` are those of police calls.

    Every text of the police at or under the threshold is an error. With too few calls for α nothing is
    diverted (threshold below 0).
    """
    allowed = allowed_errors(len(risks), alpha, confidence)
    if allowed < 0:
        return -1.0, 0
    ordered = np.sort(risks)
    ceiling = float(ordered[allowed]) if allowed < len(ordered) else 1.0
    threshold = math.nextafter(ceiling, -1.0)
    return threshold, int(np.count_nonzero(risks <= threshold))


def precision_threshold(scores: Floats, right: npt.NDArray[np.bool_], wanted: float) -> float:
    """Lowest score from which on the share of `right` stays at `wanted` or more; just over 1 when none does."""
    order = np.argsort(-scores, kind="stable")
    good = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(good >= wanted)
    return float(scores[order[enough[-1]]]) if len(enough) else 1.01
