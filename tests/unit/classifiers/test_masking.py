import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import mask

PIECES = st.text(alphabet="我家漏水了请来看看，。 abc", max_size=12)
GAPS = st.sampled_from(["", " ", "-", "－", "  "])
DIGITS = {value: char for value, char in enumerate("零一二三四五六七八九")}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("电话13800000000快来", "电话138******00快来"),
        ("电话138 0000 0000快来", "电话138 **** **00快来"),
        ("电话138-0000-0000", "电话138-****-**00"),
        ("电话１３８００００００００", "电话１３８******００"),
        ("电话一三八零零零零零零零零", "电话一三八******零零"),
        ("+8613800000000", "+86138******00"),
        ("座机0571-88880000", "座机057*-******00"),
        ("身份证110101199003070011", "身份证110***************"),
        ("身份证11010119900307001X", "身份证110***************"),
        ("卡号6222020000000000123", "卡号***************0123"),
    ],
)
def test_numbers_of_people_are_hidden(said: str, kept: str) -> None:
    assert mask(said) == kept


@pytest.mark.parametrize(
    "text",
    ["3号楼2单元501", "110和12345", "2024-05-01上午", "转了50000元", "转了2500000元", "三千五百块", "G60 128公里"],
)
def test_what_is_nobodys_number_stays(text: str) -> None:
    assert mask(text) == text


@given(PIECES, st.from_regex(r"1[3-9]\d{9}", fullmatch=True), GAPS, PIECES, st.booleans())
def test_a_mobile_number_never_survives(before: str, phone: str, gap: str, after: str, spoken: bool) -> None:
    number = "".join(DIGITS[int(each)] for each in phone) if spoken else phone
    said = gap.join((number[:3], number[3:7], number[7:]))
    masked = mask(f"{before}，{said}，{after}")
    assert number not in re.sub(r"[\s\-－]", "", masked)
    assert masked.count("*") == 6


@given(st.text())
def test_any_text_can_be_masked_and_twice_is_once(text: str) -> None:
    masked = mask(text)
    assert len(masked) == len(text)
    assert mask(masked) == masked


@given(st.text(alphabet="我家漏水了请来看看，。abc喂你好"))
def test_a_text_without_numbers_is_left_alone(text: str) -> None:
    assert mask(text) == text
