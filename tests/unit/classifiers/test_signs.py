import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.normalise import plain
from classifiers.signs import SignReader, number

READER = SignReader()


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("12,000", 12000),
        ("3.5", 3.5),
        ("三千五", 3500),
        ("一百二", 120),
        ("二十三", 23),
        ("十", 10),
        ("两千零五", 2005),
        ("五", 5),
    ],
)
def test_numerals_have_their_value(words: str, value: float) -> None:
    assert number(words) == value


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("被骗了三万八", 38000),
        ("转走五千块", 5000),
        ("先一万后来又打了12.5万", 125000),
        ("欠我12,000元", 12000),
        ("拖欠工资八千多块钱", 8000),
        ("投了1万2千", 12000),
        ("赔了两百", 0),
        ("住在三楼三千里路", 0),
        ("3号楼12单元", 0),
    ],
)
def test_the_largest_sum_is_read(text: str, yuan: float) -> None:
    assert READER.read(plain(text)).amount == yuan


@pytest.mark.parametrize(
    ("text", "count"), [("三十多个工人堵门", 30), ("上百人围着", 100), ("我一个人", 1), ("楼上漏水", 0)]
)
def test_people_are_counted(text: str, count: int) -> None:
    assert READER.read(plain(text)).people == count


def test_a_whole_scene() -> None:
    signs = READER.read(plain("去年他拿菜刀砍我，骨折了，孩子和老人都看见"))
    assert "菜刀" in signs.weapons
    assert signs.injury
    assert signs.children
    assert signs.elderly
    assert signs.past
    assert not signs.violence


def test_what_phrases_said_is_taken_over() -> None:
    signs = READER.read("他要打人", frozenset({"violence", "threat"}))
    assert signs.violence
    assert signs.threat


@given(st.text(alphabet="零一二三四五六七八九十百千万亿两元块钱0123456789.,，个人转"))
def test_no_numbers_break_it(text: str) -> None:
    signs = READER.read(plain(text))
    assert 0 <= signs.amount < 1e12
    assert signs.people >= 0
