import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.conformal import allowed_errors, divert_threshold, precision_threshold, upper_bound


def test_the_bound_is_clopper_and_pearsons() -> None:
    assert upper_bound(0, 2302, 0.9) == pytest.approx(0.001, abs=2e-6)  # 1 - 0.1 ** (1 / 2302)


def test_more_calls_allow_more_errors() -> None:
    assert allowed_errors(1000, 0.001, 0.9) == -1
    assert allowed_errors(2400, 0.001, 0.9) == 0
    assert allowed_errors(4000, 0.001, 0.9) == 1


def test_too_few_calls_divert_nothing() -> None:
    threshold, errors = divert_threshold(np.linspace(0, 1, 100), 0.001, 0.9)
    assert threshold < 0
    assert errors == 0


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.02, 0.05]))
def test_the_share_diverted_stays_under_alpha(seed: int, alpha: float) -> None:
    risks = np.random.default_rng(seed).beta(5, 1, 800)
    threshold, errors = divert_threshold(risks, alpha, 0.9)
    assert errors == np.count_nonzero(risks <= threshold)
    assert upper_bound(errors, 800, 0.9) <= alpha


def test_on_fresh_calls_the_promise_is_kept_as_often_as_stated() -> None:
    rng = np.random.default_rng(7)
    kept = 0
    for _ in range(200):
        threshold, _ = divert_threshold(rng.random(600), 0.02, 0.9)
        kept += max(threshold, 0.0) <= 0.02  # of uniform risks, the share under a threshold is the threshold
    assert kept >= 170


def test_precision_threshold_is_the_lowest_that_holds() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    assert precision_threshold(scores, np.array([True, True, False, False]), 0.6) == 0.7
    assert precision_threshold(scores, np.array([False, False, False, False]), 0.6) > 1
