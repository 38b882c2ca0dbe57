"""The compiled loops say what a few plain lines of Python say, for any text."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.fused import Form, Grams, leaders
from classifiers.wordlist import Words

FEW = st.text("水火漏着了，a\ud800𠀀🚒", max_size=12)
SHORT = st.lists(st.text("水火漏着了a𠀀", min_size=1, max_size=4), unique=True, max_size=12)


@given(st.text())
def test_a_form_writes_what_translate_writes(text: str) -> None:
    table = {ord(char): _without_thirds(ord(char)) for char in text if char < "\U00010000"}
    assert _FORM(text) == text.translate(table)
    assert _FORM(text) == text.translate(table)


def _without_thirds(code: int) -> str | None:
    return None if code % 3 == 0 else chr((code * 7 + 1) % 0xD800)


_FORM = Form(_without_thirds)


@given(SHORT, FEW, st.integers(1, 4))
def test_words_are_found_wherever_they_stand(words: list[str], text: str, shortest: int) -> None:
    there = {
        (at, number)
        for at in range(len(text))
        for number, word in enumerate(words)
        if len(word) >= shortest and text.startswith(word, at)
    }
    found = Grams(words).find(text, shortest)
    assert set(found) == there
    assert len(found) == len(there)
    assert [at for at, _ in found] == sorted(at for at, _ in found)


@given(SHORT, FEW)
def test_pairs_are_counted_each_time(words: list[str], text: str) -> None:
    assert Grams(words).known_pairs(text) == sum(text[at : at + 2] in words for at in range(len(text) - 1))


def test_no_words_find_nothing() -> None:
    assert Grams([]).find("漏水", 1) == []
    assert Words([]).without("漏水") == "漏水"


@given(st.lists(st.text("水火漏着了a", min_size=2, max_size=7), max_size=8), FEW)
def test_cutting_words_out_takes_the_leftmost_then_the_longest(words: list[str], text: str) -> None:
    pattern = "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or r"(?!)"
    assert Words(words).without(text) == re.sub(pattern, "", text)


@pytest.mark.parametrize("harm", [None, 5, b"x"])
def test_only_text_is_read(harm: object) -> None:
    with pytest.raises(TypeError):
        Grams(["漏水"]).find(harm, 1)  # type: ignore[arg-type]  # no text on purpose


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(1, 16))
def test_the_greatest_values_come_first_and_of_equals_the_first(values: list[float], number: int) -> None:
    order = sorted(range(len(values)), key=lambda at: -values[at])[:number]
    assert leaders(np.array(values), number) == [(at, values[at]) for at in order]
