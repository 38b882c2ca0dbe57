"""What a second opinion may be asked, what it may say, and what thresholds fitted on labelled calls let it decide."""

from typing import Any

import numpy as np
import pytest
from doubtful import DOUBTFUL
from hypothesis import example, given, settings
from hypothesis import strategies as st
from running import RULES

from classifiers.conformal import upper_bound
from classifiers.opinion import Limits, Standing, bears, opined, standing_of, table_of, unsure, without
from classifiers.opinion_fit import Judged, fitted
from engine.errors import Refused
from engine.model.call import Channel
from engine.model.city import City
from engine.model.decision import Links
from engine.model.reading import Matter, Reason
from engine.model.values import replace
from engine.routing import Asked, decide
from engine.ruleset import load

CITY = load(RULES)
LABELS = ("police", "environment.noise_life", "local.clean", "order.fight")
shares = st.lists(st.floats(0.001, 1.0), min_size=4, max_size=4).map(lambda v: np.array(v) / sum(v))


@pytest.fixture
def city() -> City:
    return CITY


def limits(**changes: Any) -> Limits:
    return replace(Limits("f", "m1", table_of(CITY), divert=0.05, keep=0.9, settle=0.8), **changes)


def standing(allowed: Limits | None = None, labels: tuple[str, ...] = LABELS) -> Standing:
    return standing_of(labels, "f", allowed, CITY)


@pytest.mark.parametrize(
    "code", ["danger_phrase", "phrase_overheard", "danger_model", "danger_doubtful", "phrase_doubtful", "too_little"]
)
def test_where_danger_is_spoken_of_nobody_is_asked(code: str) -> None:
    assert unsure(DOUBTFUL)
    spoken = replace(DOUBTFUL, reasons=(*DOUBTFUL.reasons, Reason(code, "")))
    for reading in (spoken, replace(DOUBTFUL, danger=True), replace(DOUBTFUL, review=False)):
        assert not unsure(reading)
        assert opined(reading, np.array([0.0, 1.0, 0.0, 0.0]), standing(limits()), CITY.taxonomy) is reading


@settings(max_examples=40)
@given(shares, st.sampled_from(list(Channel)), st.integers(0, 23))
def test_without_a_fit_it_changes_what_people_read_and_nothing_that_is_decided(
    said: Any, channel: Channel, hour: int
) -> None:
    heard = opined(DOUBTFUL, said, standing(), CITY.taxonomy)
    assert heard.review
    assert [r.code for r in heard.reasons] == ["category", "maybe_police", "opinion_suggests"]
    before, after = (decide(Asked(channel, r, Links(), hour), CITY) for r in (DOUBTFUL, heard))
    assert replace(after, reasons=()) == replace(before, reasons=())


@settings(max_examples=40)
@given(shares)
def test_with_a_fit_it_decides_exactly_what_stands_clear_of_the_limits(said: Any) -> None:
    heard = opined(DOUBTFUL, said, standing(limits()), CITY.taxonomy)
    police = said[0] + said[3]
    if heard.review:
        assert heard.matter is DOUBTFUL.matter
    elif heard.matter is Matter.POLICE:
        assert police >= 0.9
    else:
        assert police <= 0.05
        assert heard.confidence >= 0.8 - 1e-4
    if not heard.review:
        assert heard.reasons[-1].code == "opinion_decides"
        assert not {"unsure", "maybe_police"} & {r.code for r in heard.reasons}
        assert CITY.taxonomy.categories[heard.category].matter is heard.matter


def test_a_clear_opinion_goes_where_it_says() -> None:
    heard = opined(DOUBTFUL, np.array([0.01, 0.01, 0.97, 0.01]), standing(limits()), CITY.taxonomy)
    assert (heard.matter, heard.category, heard.review) == (Matter.LOCAL, "local.clean", False)
    kept = opined(DOUBTFUL, np.array([0.1, 0.02, 0.0, 0.88]), standing(limits()), CITY.taxonomy)
    assert (kept.matter, kept.category, kept.review) == (Matter.POLICE, "order.fight", False)


def test_a_label_that_names_only_a_matter_takes_the_classifiers_category_of_it() -> None:
    by_matter = standing(limits(), ("police", "government", "local"))
    heard = opined(DOUBTFUL, np.array([0.01, 0.98, 0.01]), by_matter, CITY.taxonomy)
    assert (heard.category, heard.review) == ("environment.noise_life", False)
    nowhere = opined(DOUBTFUL, np.array([0.01, 0.01, 0.98]), by_matter, CITY.taxonomy)
    assert nowhere.review, "the classifier thought of no local category, so nobody knows which it is"
    assert "镇街" in nowhere.reasons[-1].text


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"model": "other"}, "another model"),
        ({"table": "other"}, "another taxonomy"),
    ],
)
def test_a_fit_for_something_else_decides_nothing(changed: dict[str, str], why: str) -> None:
    stale = standing(limits(**changed))
    assert why in stale.why
    assert opined(DOUBTFUL, np.array([0.0, 1.0, 0.0, 0.0]), stale, CITY.taxonomy).review


def test_a_fit_beside_another_classifier_decides_nothing() -> None:
    trained_anew = replace(DOUBTFUL, model_version="m2")
    assert opined(trained_anew, np.array([0.0, 1.0, 0.0, 0.0]), standing(limits()), CITY.taxonomy).review


def test_labels_the_city_does_not_know_are_all_named() -> None:
    with pytest.raises(Refused) as refused:
        standing(labels=("police", "urban.raod", "local.nosie"))
    assert [fault.where for fault in refused.value.faults] == ["labels.json[1]", "labels.json[2]"]


def test_what_is_missed_is_said() -> None:
    assert without(DOUBTFUL, "opinion_late").reasons[-1] == Reason("opinion_late", "第二意见未及时给出，按主模型处理")


# --- thresholds


def judged(matter: Matter, police: float | None, *, danger: bool = False, gone: bool = False) -> Judged:
    """A labelled call: sent away by the classifier, asked about with this answer, or neither."""
    reading = replace(DOUBTFUL, review=not gone)
    other = {} if police is None else {Matter.GOVERNMENT: 1.0 - police, Matter.LOCAL: 0.0}
    return Judged(matter, danger, reading, None if police is None else {Matter.POLICE: police} | other)


calls = st.lists(
    st.builds(
        judged,
        st.sampled_from([Matter.POLICE, Matter.POLICE, Matter.GOVERNMENT]),
        st.one_of(st.none(), st.floats(0, 1)),
        danger=st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=40)
@given(calls, st.integers(0, 4), st.integers(0, 400))
@example(
    [judged(Matter.POLICE, 1e-5)], 0, 113
)  # just below 1e-5 becomes 1e-5 again when it is rounded to nine decimals
def test_both_models_together_stay_under_alpha_and_no_danger_leaves(some: list[Judged], gone: int, more: int) -> None:
    some = [*some, *[judged(Matter.POLICE, None, gone=True)] * gone, *[judged(Matter.POLICE, None)] * more]
    found = fitted(some, alpha=0.02, confidence=0.9)
    police = [one for one in some if one.matter is Matter.POLICE]
    left = [one for one in police if one.gone or (one.leaving and one.leaving[Matter.POLICE] <= found.divert)]
    assert len(left) == found.errors
    if found.divert >= 0.0:
        assert upper_bound(len(left), len(police), 0.9) <= 0.02
    assert not any(one.danger and one.leaving and one.leaving[Matter.POLICE] <= found.divert for one in some)


@given(
    st.integers(0, 30), st.integers(1, 6000), st.sampled_from([0.001, 0.01, 0.05]), st.sampled_from([0.5, 0.9, 0.99])
)
def test_what_a_file_may_promise_is_what_the_bound_says(errors: int, n: int, alpha: float, confidence: float) -> None:
    bound = upper_bound(errors, n, confidence)
    if abs(bound - alpha) > 1e-9:
        assert bears(errors, n, alpha, confidence) == (bound <= alpha)


def test_what_the_classifier_sends_away_alone_uses_up_the_promise() -> None:
    fine = [judged(Matter.POLICE, None)] * 300 + [judged(Matter.GOVERNMENT, 0.01)] * 30
    assert fitted(fine, alpha=0.01, confidence=0.9).divert == 0.5
    assert fitted([*fine, judged(Matter.POLICE, None, gone=True)], alpha=0.01, confidence=0.9).divert < 0.0


def test_too_few_police_calls_divert_nothing_and_few_others_settle_nothing() -> None:
    few = [judged(Matter.POLICE, None)] * 2_000 + [judged(Matter.GOVERNMENT, 0.01)] * 30
    assert fitted(few, alpha=0.001, confidence=0.9).divert < 0.0
    assert fitted(few, alpha=0.01, confidence=0.9).settle == pytest.approx(0.99)
    assert fitted(few[:2_010], alpha=0.01, confidence=0.9).settle > 1.0


def test_on_fresh_calls_the_promise_is_kept_as_often_as_stated() -> None:
    """A true stream: half a percent goes by the classifier's own error, the opinion is unsure of a tenth."""
    rng, kept = np.random.default_rng(11), 0
    for _ in range(60):
        gone, asked, risk = rng.random(500) < 0.005, rng.random(500) < 0.1, rng.random(500)
        rows = [
            judged(Matter.POLICE, float(r) if a and not g else None, gone=bool(g))
            for g, a, r in zip(gone, asked, risk, strict=True)
        ]
        found = fitted(rows, alpha=0.02, confidence=0.9)
        kept += 0.005 + 0.995 * 0.1 * max(found.divert, 0.0) <= 0.02
    assert kept >= 49
