"""The sample calls: enough of them, of every kind, at places of the sample city, about nobody real."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from load_tests.calls import CHANNELS, load

CALLS = load()
RULES = Path(__file__).parents[3] / "rules"


def names_of(city: object) -> set[str]:
    """Every name, road, estate, alias and post number of areas.yaml."""
    found: set[str] = set()
    if isinstance(city, dict):
        for key, value in city.items():
            if key in ("name", "post_id"):
                found.add(str(value))
            elif key in ("roads", "aliases"):
                found.update(map(str, value))
            else:
                found |= names_of(value)
    elif isinstance(city, list):
        for one in city:
            found |= names_of(one)
    return found


def test_there_are_enough_and_no_two_are_alike():
    assert len(CALLS) >= 220
    assert max(Counter(call.text for call in CALLS).values()) == 1
    assert [call.number for call in CALLS] == list(range(len(CALLS)))


def test_they_come_in_the_order_of_their_times_within_an_afternoon():
    times = [call.after_s for call in CALLS]
    assert times == sorted(times)
    assert times[-1] < 4 * 3600


def test_every_channel_rings():
    assert {call.channel for call in CALLS} == set(CHANNELS)


def test_places_are_places_of_the_sample_city():
    known = names_of(yaml.safe_load((RULES / "areas.yaml").read_text(encoding="utf-8")))
    for call in CALLS:
        place = call.location.get("address") or call.location.get("post_id")
        if place:
            assert any(name in place for name in known), place


def test_somebody_calls_again_and_again():
    phones = Counter(call.caller.get("phone") for call in CALLS if call.caller.get("phone"))
    assert phones.most_common(1)[0][1] >= 10


def test_no_number_in_a_text_could_be_somebodys():
    assert not [call.text for call in CALLS if re.search(r"1[3-9]\d{9}|\d{17}[\dXx]", call.text)]


def test_what_is_expected_is_said_in_the_contracts_words():
    matters = {"police", "government", "local"}
    for call in CALLS:
        assert set(call.expect) <= {"matter", "danger"}
        assert call.expect.get("matter", "police") in matters


def test_the_next_turn_of_the_play_has_other_callers_and_the_same_words():
    call = next(c for c in CALLS if "phone" in c.caller)
    first, second = json.loads(call.body(1_800_000_000.0)), json.loads(call.body(1_800_000_000.0, turn=3))
    assert first["text"] == second["text"]
    assert first["caller"]["phone"] != second["caller"]["phone"]
    assert re.fullmatch(r"1\d{10}", second["caller"]["phone"])


def test_a_faulty_line_is_named(tmp_path: Path):
    (tmp_path / "bad.jsonl").write_text('{"text": "喂", "channel": "fax", "after_s": 1}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.jsonl:1"):
        load(tmp_path)
