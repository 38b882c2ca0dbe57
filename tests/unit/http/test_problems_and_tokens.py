"""The HTTP room's own values: problems that name fields, tokens that stand for people, shapes that refuse."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.errors import Fault, RulesRefused
from engine.http.problems import problem
from engine.http.shapes import EventBody
from engine.http.tokens import Role, Tokens, Unknown

GOOD = """
aaaaaaaaaaaaaaaaaaaa: {name: 王, role: officer}
bbbbbbbbbbbbbbbbbbbb: {name: 站, role: body, body: wc-gl-station}
"""


def tokens(folder: Path, text: str) -> Tokens:
    (folder / "tokens.yaml").write_text(text, "utf-8")
    return Tokens.read(folder / "tokens.yaml")


def test_a_token_stands_for_its_user(tmp_path: Path) -> None:
    known = tokens(tmp_path, GOOD)
    assert known.user("Bearer aaaaaaaaaaaaaaaaaaaa").role is Role.OFFICER
    assert known.user("bearer bbbbbbbbbbbbbbbbbbbb").body == "wc-gl-station"
    found = known.first(Role.OFFICER)
    assert found is not None
    assert found[1].name == "王"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic aaaaaaaaaaaaaaaaaaaa", "Bearer a", "aaaaaaaaaaaaaaaaaaaa", "Bearer \u00e9\ud800"],
)
def test_anything_else_stands_for_nobody(tmp_path: Path, header: str) -> None:
    with pytest.raises(Unknown):
        tokens(tmp_path, GOOD).user(header)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("short: {name: 王, role: officer}", "16"),
        ("aaaaaaaaaaaaaaaaaaaa: {name: 王, role: boss}", "officer"),
        ("aaaaaaaaaaaaaaaaaaaa: {name: 王, role: officer, age: 3}", "age"),
        ("aaaaaaaaaaaaaaaaaaaa: {name: 站, role: body}", "no body"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """A body's token without a body would see every order of the city."""
    with pytest.raises(RulesRefused) as refused:
        tokens(tmp_path, text)
    assert says in str(refused.value)


def test_a_problem_can_be_sent_whatever_somebody_called_their_field() -> None:
    answer = problem(422, "refused", "x\ud800", (Fault("a\udfff", "wrong"),))
    body = json.loads(bytes(answer.body))
    assert body["faults"][0]["where"] == "a\\udfff"
    assert answer.media_type == "application/problem+json"


def test_a_store_that_is_away_says_when_to_come_back() -> None:
    assert problem(503, "store-down", "x").headers["retry-after"] == "1"
    assert problem(405, "http", "x", headers={"allow": "GET"}).headers["allow"] == "GET"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "sign", "at": "2026-01-05T10:00:00"},
        {"type": "sign", "at": 1_767_578_400},
        {"type": "sign", "data": {"n": float("nan")}},
        {"type": "sign", "data": {"n": 10**30}},
        {"type": "call_back", "data": {"solved": "false"}},
        {"type": "note", "data": {"waiting": 1}},
        {"type": "assign"},
        {"type": "sign", "note": "\x00"},
        {"type": "sign", "who": "me"},
    ],
)
def test_events_that_could_be_misread_are_refused(event: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EventBody.model_validate(event)


def test_a_good_event_is_taken() -> None:
    event = EventBody.model_validate(
        {"type": "call_back", "at": "2026-01-05T10:00:00+08:00", "note": "好", "data": {"solved": False, "n": 3}}
    )
    assert event.at is not None
    assert event.at.astimezone(UTC) == datetime(2026, 1, 5, 2, tzinfo=UTC)
    assert event.data == {"solved": False, "n": 3}
