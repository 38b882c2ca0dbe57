"""The checks' sentences are told in Chinese; what nobody translated is shown as it is."""

import pytest

from engine.alerting import load_models
from engine.console.dossiers_page import bared
from engine.console.fault_words import said
from engine.console.model_screen import place_of
from engine.console.model_words import words_of
from engine.console.words import WORDS, Words
from engine.errors import Fault, RulesRefused
from engine.model.city import City
from tests.running import RULES

ZH, EN = Words("zh"), Words("en")
ODD = "a sentence that nobody translated"


@pytest.mark.parametrize(
    ("what", "right", "chinese"),
    [
        ('"title" is missing', "add it", "缺少“title”，请补上"),
        ('unknown key "anyof"', 'did you mean "any_of"?', "没有“anyof”这个键，是不是“any_of”？"),
        ('grade "blu" is not known in this city', 'did you mean "blue"?', "本市没有“blu”这个等级，是不是“blue”？"),
        ("nothing stands here", "text belongs here", "这里写的是空，这里应是文字"),
        (ODD, "", ODD),
    ],
)
def test_a_fault_in_chinese(what: str, right: str, chinese: str) -> None:
    assert said(what, right, ZH) == chinese
    assert what in said(what, right, EN)


def test_sentences_of_the_real_check_are_known(city: City) -> None:
    text = (RULES / "alerts/fraud_brushing.yaml").read_text("utf-8")
    for good, bad in (("state: live", "state: lve"), ("title: ", "titel: "), ("within: 2m", "within: soon")):
        with pytest.raises(RulesRefused) as refused:
            load_models(RULES / "alerts", city, {"fraud_brushing.yaml": text.replace(good, bad)})
        told = [said(fault.what, fault.right, ZH) for fault in refused.value.faults]
        assert not [sentence for sentence in told if " is " in sentence or "did you" in sentence], told


def test_a_fault_names_its_place() -> None:
    assert place_of(Fault("alerts/a.yaml:7:3", "x")) == (7, 3)
    assert place_of(Fault("alerts/a.yaml", "x")) is None


def test_completion_offers_the_citys_words(city: City) -> None:
    lists = words_of(city, load_models(RULES / "alerts", city))["lists"]
    assert ("red", "红色") in lists["grade"]
    assert ("wc-gl-station", city.bodies["wc-gl-station"].name) in lists["instruct"]


def test_a_dossier_without_personal_data() -> None:
    shown = bared({"parties": [{"name": "林*"}], "call_list": [{"address": "3幢502", "text": "打 138****5020"}],
                   "form": [{"key": "address", "value": "3幢502"}]})  # fmt: skip
    assert not shown["parties"]
    assert "502" not in str(shown)


def test_every_word_has_both_languages() -> None:
    assert [key for key, (chinese, english) in WORDS.items() if not chinese or not english] == []
