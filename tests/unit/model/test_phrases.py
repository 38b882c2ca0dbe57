"""When a phrase of danger means danger: negation, figures of speech, clauses, the end of the story, questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.city import DangerRule
from engine.model.phrases import spoken

RULE = DangerRule("fire", ("着火", "冒烟"), unless=("没~", "没有~", "打不~", "去年", "…扑灭了"))


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("楼上着火了", "着火"),
        ("没有着火", ""),
        ("没有着火但是冒烟", "冒烟"),
        ("有没有着火我看不清", "着火"),
        ("车打不着火", ""),
        ("车打不着火，后来真的着火了", "着火"),
        ("去年着火那家", ""),
        ("去年也报过，现在又着火了", "着火"),
        ("刚才着火，现在扑灭了", ""),
        ("上次扑灭了，这次又着火", "着火"),
        ("着火锅", ""),
        ("", ""),
    ],
)
def test_a_phrase_means_what_its_surroundings_let_it_mean(text: str, phrase: str) -> None:
    assert spoken(RULE, text, ("着火锅",)) == phrase


@given(st.text(alphabet="着火冒烟没有打不去年扑灭了，。楼上", max_size=30))
def test_what_is_found_stands_in_the_text(text: str) -> None:
    found = spoken(RULE, text)
    assert found in text
    assert not found or found in RULE.phrases
