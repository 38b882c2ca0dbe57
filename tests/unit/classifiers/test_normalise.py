from typing import Any

import opencc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.normalise import fold, plain, simplified


def test_width_case_and_pauses_become_one_form() -> None:
    assert plain("ＡＢＣ！我家、漏水；") == "abc。我家，漏水，"


def test_traditional_reads_as_simplified() -> None:
    assert plain("樓上漏水沒人管") == "楼上漏水没人管"


def test_the_table_is_openccs() -> None:
    converter: Any = getattr(opencc, "OpenCC")("t2s")  # noqa: B009  # the library has no types
    assert all(converter.convert(old) == new for old, new in simplified().items())


@pytest.mark.parametrize("text", ["三号楼，302室！", "三号楼302室", "三号楼 ３０２ 室"])
def test_the_model_does_not_see_punctuation_or_which_digit(text: str) -> None:
    assert fold(text) == "三号楼000室"


@given(st.text())
def test_any_text_has_both_forms(text: str) -> None:
    assert len(plain(text)) == len(text)
    assert plain(plain(text)) == plain(text)
    assert fold(plain(text)) == fold(text)
