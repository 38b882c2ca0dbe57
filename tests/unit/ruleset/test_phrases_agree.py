"""The classifier's fast search and the plain reading of danger.yaml hear the same rules in any text."""

from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.normalise import plain
from classifiers.phrases import Phrases
from engine.model.city import City
from engine.model.phrases import spoken
from engine.ruleset import load

from .conftest import SAMPLE


@lru_cache(maxsize=1)
def sample() -> tuple[City, Phrases]:
    city = load(SAMPLE)
    return city, Phrases(city)


PARTS = sorted(
    {phrase for rule in sample()[0].danger for phrase in rule.phrases}
    | set(sample()[0].harmless)
    | {context.strip("…") for rule in sample()[0].danger for context in rule.unless if "~" not in context}
    | {part for rule in sample()[0].danger for context in rule.unless for part in context.split("~") if part}
    | {"，", "。", "我", "有", "是", "会", "现在", "他"}
)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=7).map("".join))
def test_both_hear_the_same_rules(text: str) -> None:
    city, phrases = sample()
    text = plain(text)
    heard = {rule.name for rule in city.danger if spoken(rule, text, city.harmless)}
    assert {hit.rule for hit in phrases.find(text)} == heard
