"""Counting many texts at once finds what is found in each."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classifiers.corpus import Text
from classifiers.counting import LEAST_TEXTS, counted
from classifiers.features import tokens
from classifiers.linear import Vectoriser
from classifiers.normalise import fold

WORDS = st.sampled_from(
    ["水果刀", "被困电梯", "樓上漏水", "ＡＢＣ", "12345", "退钱", "\ud800", "🙂", "，", " ", "派出所", "不"]
)
TEXTS = st.lists(WORDS | st.text(max_size=6), max_size=5).map("".join)


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_any_texts_have_the_features_that_each_has_by_itself(texts: list[str]) -> None:
    found = counted(texts * LEAST_TEXTS)
    rows = [set(found.names[row.indices].tolist()) for row in found.rows]
    assert rows == [set(tokens(fold(text))) for text in texts * LEAST_TEXTS]
    assert found.names.tolist() == sorted(set().union(*rows))
    assert set(found.rows.data.tolist()) <= {1}


def test_rare_features_are_left_out_also_of_a_part(some_texts: list[Text]) -> None:
    every = counted([text.text for text in some_texts])
    part = every.of(np.arange(len(some_texts)) % 3 > 0)
    assert part.names.tolist() == counted([t.text for at, t in enumerate(some_texts) if at % 3]).names.tolist()
    assert part.rows.getnnz(axis=0).min() >= LEAST_TEXTS


def test_the_plain_path_gives_the_rows_that_were_trained_on(some_texts: list[Text]) -> None:
    said = [text.text for text in some_texts]
    every = counted(said)
    words = Vectoriser(every)
    assert abs(words.transform(said) - words.rows(every.rows)).max() < 1e-12
