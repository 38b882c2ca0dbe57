"""The simulated people: the same seed gives the same behaviour, and behaviour follows the legal moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tests.errands import next_move
from load_tests.personas import MIX, RETURN_REASONS, Cast, Persona, draw, quiet, read_mix
from load_tests.room import call_decision, room_event

WORDS = st.text(alphabet="abcxyz-019", min_size=1, max_size=12)


@given(seed=st.integers(0, 2**32), body=WORDS, order=WORDS)
def test_the_same_seed_body_and_order_give_the_same_persona(seed: int, body: str, order: str):
    assert Cast(seed, MIX).persona(body, order) is Cast(seed, dict(MIX)).persona(body, order)
    assert 0 <= draw(seed, body, order) < 1
    assert 1 <= Cast(seed, MIX).failures(body, order) <= 3
    assert Cast(seed, MIX).return_reason(body, order) in RETURN_REASONS


def test_shares_are_kept():
    cast = Cast(3, {"prompt": 3, "silent": 1})
    silent = sum(cast.persona("wc-gl-station", f"O{n}") is Persona.SILENT for n in range(2_000))
    assert 400 < silent < 600


def test_the_command_centre_always_answers_and_nobody_returns_an_instruction():
    assert {Cast(1, {"dead": 1}).persona("cmd-110", f"O{n}") for n in range(20)} == {Persona.PROMPT}
    assert Cast(1, {"returning": 1}).persona("qy-branch", "OA1", alert=True) is Persona.PROMPT
    assert Cast(1, {"returning": 1}).persona("qy-branch", "O1") is Persona.RETURNING


def test_silent_and_dead_bodies_leave_an_order_alone():
    assert [p for p in Persona if quiet(p)] == [Persona.SILENT, Persona.DEAD]


@pytest.mark.parametrize(
    ("legal", "persona", "first_time", "move"),
    [
        (["sign", "return", "note"], Persona.PROMPT, True, "sign"),
        (["arrive", "return"], Persona.SLOW, True, "arrive"),
        (["report"], Persona.FAILING, True, "report"),
        (["sign", "return"], Persona.RETURNING, True, "return"),
        (["sign", "return"], Persona.RETURNING, False, "sign"),
        (["sign"], Persona.RETURNING, True, "sign"),
        (["note", "supplement"], Persona.PROMPT, True, ""),
    ],
)
def test_a_body_does_the_next_legal_step(legal: list[str], persona: Persona, first_time: bool, move: str):
    assert next_move(legal, persona, first_time=first_time) == move


def test_an_officer_rejects_or_reopens_an_order_at_most_once():
    remembered: set[str] = set()
    orders = [f"O{n}" for n in range(300)]
    first = [room_event({"order_id": o, "state": "reported"}, 5, remembered) for o in orders]
    again = [room_event({"order_id": o, "state": "reported"}, 5, remembered) for o in orders]
    assert {e["type"] for e in first if e} == {"verify", "reject"}
    assert {e["type"] for e in again if e} == {"verify"}
    calls = [room_event({"order_id": o, "state": "verified"}, 5, remembered) for o in orders]
    assert {e["data"]["solved"] for e in calls if e} == {True, False}
    assert room_event({"order_id": "O1", "state": "sent"}, 5, remembered) is None


def test_an_unsure_call_goes_to_the_likeliest_candidate():
    candidates = [{"category": "urban.dog", "matter": "government"}, {"category": "hazard.animal", "matter": "police"}]
    decided = call_decision({"answer": {"decision": {"candidates": candidates}}})
    assert (decided["matter"], decided["category"]) == ("government", "urban.dog")
    assert call_decision({"answer": None})["category"] == "other.unclear"


def test_a_mix_is_read_and_a_wrong_word_is_refused():
    assert read_mix("prompt=0.5, dead=0.5") == {"prompt": 0.5, "dead": 0.5}
    assert read_mix("") == dict(MIX)
    for wrong in ("lazy=1", "prompt=x", "prompt=0"):
        with pytest.raises(ValueError, match=r".+"):
            read_mix(wrong)
