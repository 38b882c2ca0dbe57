"""A number as people read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.figures import figure


@pytest.mark.parametrize(
    ("value", "said"),
    [(1_000_000.0, "1000000"), (1_234_567.5, "1234567.5"), (3, "3"), (0.0, "0"), (0.25, "0.25"), (33.3333, "33.33")],
)
def test_a_figure_has_neither_exponent_nor_needless_zeros(value: float, said: str) -> None:
    assert figure(value) == said


@given(st.integers(-(10**15), 10**15))
def test_whole_numbers_are_said_whole(value: int) -> None:
    assert figure(float(value)) == str(value)
