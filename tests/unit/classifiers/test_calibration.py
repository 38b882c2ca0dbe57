"""What the divert threshold promises of each kind of police call."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classifiers.calibration import (
    CONFIDENCE,
    FAMILIAR,
    TIMES_ALPHA,
    Held,
    familiar_phrases,
    promised,
    thresholds,
)
from classifiers.conformal import upper_bound

ALPHA = 0.01


@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from([0.2, 1.0, 4.0]), min_size=3, max_size=3))
def test_under_the_threshold_every_kinds_promise_holds(seed: int, shapes: list[float]) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.choice(list(TIMES_ALPHA), 3000)
    shape = dict(zip(TIMES_ALPHA, shapes, strict=True))
    risks = np.array([rng.beta(shape[str(kind)], 1.0) for kind in kinds])
    divert, promises = promised(risks, kinds, ALPHA)
    assert {promise.kind for promise in promises} == set(TIMES_ALPHA)
    for promise in promises:
        assert promise.share == TIMES_ALPHA[promise.kind] * ALPHA
        assert promise.calls == np.count_nonzero(kinds == promise.kind)
        assert promise.errors == np.count_nonzero((kinds == promise.kind) & (risks <= divert))
        assert upper_bound(promise.errors, promise.calls, CONFIDENCE) <= promise.share


def test_the_strictest_kind_sets_the_threshold_for_all() -> None:
    kinds = np.repeat(list(TIMES_ALPHA), 1000)
    risks = np.where(kinds == "danger", np.linspace(0.0, 0.3, 3000), 0.9)
    divert, _ = promised(risks, kinds, ALPHA)
    assert divert < 0.3


def test_a_kind_too_rare_for_a_promise_of_its_own_counts_as_ordinary() -> None:
    kinds = np.array(["ordinary"] * 2000 + ["border"] * 3 + ["harmless"] * 5)
    divert, promises = promised(np.linspace(0.1, 0.9, len(kinds)), kinds, ALPHA)
    assert [(promise.kind, promise.calls) for promise in promises] == [("ordinary", len(kinds))]
    assert divert >= 0.1


def test_with_too_few_calls_nothing_leaves() -> None:
    divert, _ = promised(np.linspace(0.0, 1.0, 20), np.array(["ordinary"] * 20), ALPHA)
    assert divert < 0.0


def test_dangers_that_sound_civil_hold_the_threshold_by_their_danger() -> None:
    dangers, civil = 3000, 3000
    yes = np.arange(dangers + civil) < dangers
    heard = np.where(yes, np.linspace(0.02, 0.9, dangers + civil), 0.001)
    police = np.full(dangers + civil, 0.002)
    held = Held(
        np.stack([police, 1.0 - police, np.zeros_like(police)], axis=1),
        heard,
        np.where(yes, 0, 1),
        yes,
        np.zeros_like(yes),
        np.zeros_like(yes),
        np.full(dangers + civil, "ordinary"),
    )
    found = thresholds(held, alpha=ALPHA)
    assert found.promises[0].errors <= ALPHA * dangers
    assert found.divert >= 0.002, "civil calls leave"


def _phrased(endangered: int, *, known: bool, lowest: float = 0.01) -> Held:
    """Dangers and as many harmless calls, all with a danger phrase, and three thousand harmless ones without."""
    yes = np.arange(2 * endangered + 3000) < endangered
    spoken = np.arange(len(yes)) < 2 * endangered
    police = np.where(yes, np.linspace(lowest, lowest + 0.9, len(yes)), 0.001)
    shares = np.stack([police, 1.0 - police, np.zeros_like(police)], axis=1)
    kinds = np.full(len(yes), "ordinary")
    return Held(shares, np.where(yes, 0.5, 0.0001), np.where(yes, 0, 1), yes, spoken, spoken & known, kinds)


def test_calls_with_familiar_phrases_leave_under_a_promise_of_their_own() -> None:
    found = thresholds(_phrased(1000, known=True), frozenset({"炸弹"}), ALPHA)
    assert 0.001 <= found.phrased <= found.divert
    assert found.familiar == ("炸弹",)
    promise = found.promises[-1]
    assert (promise.kind, promise.share, promise.calls) == ("phrase", ALPHA, 1000)
    assert upper_bound(promise.errors, promise.calls, CONFIDENCE) <= promise.share


def test_of_too_few_dangers_with_phrases_nothing_follows_and_all_calls_with_phrases_stay() -> None:
    found = thresholds(_phrased(20, known=True), frozenset({"炸弹"}), ALPHA)
    assert found.phrased < 0.0
    assert "phrase" not in {promise.kind for promise in found.promises}


def test_a_phrase_is_familiar_when_many_calm_callers_say_it() -> None:
    said = (
        [frozenset({"炸弹"})] * FAMILIAR + [frozenset({"炸弹", "管涌"})] * (FAMILIAR - 1) + [frozenset({"持刀"})] * 99
    )
    calm = np.arange(len(said)) < 2 * FAMILIAR - 1
    assert familiar_phrases(said, calm) == {"炸弹"}
