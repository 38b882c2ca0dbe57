"""Sets a model's thresholds on cross-fitted scores: every text is judged by a model that never saw it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.conformal import divert_threshold, precision_threshold
from classifiers.corpus import Text
from classifiers.matters import MATTERS, matter_map, matter_of
from classifiers.phrases import Phrases
from classifiers.normalise import plain
from classifiers.training import fit_line, fit_temperature, softmax
from classifiers.weights import Floats, Thresholds
from engine.model.city import City
from engine.model.reading import Matter

ALPHA = 0.001
"""Share of police matters that may leave without a person (issue: 0.1 %)."""
CONFIDENCE = 0.9
KEEP_PRECISION = 0.97
"""Of the calls kept by the police without a person, at least this share must be police work."""
SETTLE_PRECISION = 0.985
"""Of the calls sent to government or local without a person, at least this share must be theirs."""
DANGER_FALSE = 0.03
"""Share of calls without danger in which the learned detector may speak."""
DOUBT_MISSED = 0.01
"""Share of dangers that may lie below the doubtful band."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns margins into decisions."""

    temperature: float
    danger_line: tuple[float, float]
    thresholds: Thresholds


def true_matters(texts: list[Text], city: City) -> list[Matter]:
    """The matter of each text: danger is always police work, otherwise the table speaks without signs."""
    table = city.taxonomy
    return [
        Matter.POLICE if text.danger else matter_of(table.categories[text.category], frozenset(), table)
        for text in texts
    ]


def calibrate(
    margins: Floats, texts: list[Text], names: tuple[str, ...], city: City, alpha: float = ALPHA
) -> Calibration:
    """Temperature, danger line and thresholds from cross-fitted margins."""
    truth = np.array([names.index(text.category) for text in texts])
    danger = np.array([text.danger for text in texts])
    temperature = fit_temperature(margins[:, :-1], truth)
    line = fit_line(margins[:, -1], danger)
    shares = softmax(margins[:, :-1], temperature) @ matter_map(names, city.taxonomy).sums
    scores = 1.0 / (1.0 + np.exp(-(line[0] * margins[:, -1] + line[1])))
    matters = np.array([MATTERS.index(matter) for matter in true_matters(texts, city)])
    return Calibration(temperature, line, _thresholds(shares, scores, matters, danger, _speaking(texts, city), alpha))


def _speaking(texts: list[Text], city: City) -> npt.NDArray[np.bool_]:
    phrases = Phrases(city)
    return np.array([bool(phrases.find(plain(text.text))) for text in texts])


def _thresholds(
    shares: Floats,
    scores: Floats,
    matters: npt.NDArray[np.int64],
    danger: npt.NDArray[np.bool_],
    phrased: npt.NDArray[np.bool_],
    alpha: float,
) -> Thresholds:
    police = matters == 0
    found_from = float(np.quantile(scores[~danger], 1.0 - DANGER_FALSE))
    doubt = float(np.quantile(scores[danger & ~phrased], DOUBT_MISSED)) if danger.any() else 0.0
    # What no threshold can divert (a phrase speaks, danger in doubt, police likeliest) carries the highest risk.
    stays = phrased | (scores >= doubt) | (shares.argmax(axis=1) == 0)
    risk = np.where(stays, 2.0, shares[:, 0])
    divert, errors = divert_threshold(risk[police], alpha, CONFIDENCE)
    leaving = risk <= divert
    best = shares[:, 1:].max(axis=1)
    settle = precision_threshold(best[leaving], shares.argmax(axis=1)[leaving] == matters[leaving], SETTLE_PRECISION)
    staying = (shares[:, 0] >= 0.5) & (scores < found_from)
    keep = precision_threshold(shares[staying, 0], police[staying], KEEP_PRECISION)
    return Thresholds(divert, keep, settle, found_from, doubt, alpha, CONFIDENCE, int(police.sum()), errors)
