"""What an answer means and when the next try comes."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.delivery import Outcome, backoff_ms, judge_response
from engine.delivery.plan import SCHEDULE_S

NOW = 1_767_578_400.0


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_two_hundreds_are_delivered(status: int) -> None:
    assert judge_response(status, "", NOW).outcome is Outcome.SENT


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 403, 404, 410, 413, 422])
def test_what_repeating_cannot_mend_is_refused(status: int) -> None:
    assert judge_response(status, "5", NOW).outcome is Outcome.REFUSED


@pytest.mark.parametrize("status", [401, 408, 409, 425, 429, 500, 502, 503, 504, 599])
def test_everything_else_is_tried_again(status: int) -> None:
    assert judge_response(status, "", NOW).outcome is Outcome.RETRY_LATER


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("120", 120.0),
        ("999999999999999", 3600.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW + 90), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 10**6, usegmt=True), 3600.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("Mon, 99 Jan 2026 10:00:00 GMT", None),
        ("Mon, 05 Jan 99999 10:00:00 GMT", None),
    ],
)
def test_retry_after_in_both_forms(header: str, seconds: float | None) -> None:
    assert judge_response(503, header, NOW).retry_after_s == seconds


@given(st.integers(100, 599), st.text(max_size=40))
def test_no_answer_is_too_strange(status: int, header: str) -> None:
    verdict = judge_response(status, header, NOW)
    assert verdict.retry_after_s is None or 0 <= verdict.retry_after_s <= 3600


def test_tries_are_dense_at_first_then_rare_then_over() -> None:
    waits = [backoff_ms(n, 0.0, None) for n in range(1, len(SCHEDULE_S) + 1)]
    assert waits[:5] == [2000, 5000, 10_000, 20_000, 30_000]
    assert sum(w for w in waits[:5] if w) > 60_000, "a hiccup of a minute is survived"
    assert waits[-1] is None
    assert 12 <= sum(w or 0 for w in waits) / 3_600_000 <= 24, "hours in all"


@given(st.integers(0, 40), st.floats(0, 0.999), st.none() | st.floats(0, 3600))
def test_the_receivers_wish_is_honoured_and_no_try_comes_at_once(tries: int, jitter: float, wish: float | None) -> None:
    wait = backoff_ms(tries, jitter, wish)
    if tries >= len(SCHEDULE_S):
        assert wait is None
        return
    assert wait is not None
    assert wait >= 200
    assert wait >= 1000 * (wish or 0) - 1
    assert wait >= 900 * SCHEDULE_S[tries] - 1
