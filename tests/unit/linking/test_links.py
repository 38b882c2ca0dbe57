"""Which earlier call reports the same incident: what ties two calls, and what must stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.linking import Earlier, judge, likeness
from engine.model.city import LinkRules
from engine.model.values import replace

RULES = LinkRules()
MINUTE = 60_000
FIRST = Earlier(
    call_id="C1",
    at=0,
    order_id="O1",
    category="utilities.water",
    text="锦绣苑3号楼整栋楼都没有水了，从早上停到现在",
    caller="aaa",
    address_key="锦绣苑3",
    township="wc-gl",
    lat=30.0,
    lng=120.0,
)


def later(**other: object) -> Earlier:
    plain = replace(FIRST, call_id="C2", at=5 * MINUTE, order_id="", caller="bbb")
    return replace(plain, **other)  # type: ignore[arg-type]  # names of fields


def linked(new: Earlier, *candidates: Earlier) -> str:
    found = judge(new, candidates or (FIRST,), RULES)
    return found.order_id if found else ""


def test_a_neighbour_who_says_the_same_joins() -> None:
    assert linked(later(text="锦绣苑3号楼停水了，整栋楼都没有水")) == "O1"


def test_the_same_building_but_another_flat_and_matter_stays_apart() -> None:
    """Same entrance, another story: a burst pipe upstairs is not the missing water."""
    assert linked(later(text="锦绣苑3号楼502楼上漏到我家天花板，墙都泡了")) == ""


def test_another_flat_has_another_address() -> None:
    other = later(address_key="锦绣苑3-502", lat=None, lng=None, caller="bbb")
    assert linked(other, replace(FIRST, lat=None, lng=None)) == ""


def test_the_same_caller_with_another_matter_stays_apart() -> None:
    new = later(caller="aaa", category="labour.wages", text="工地老板拖欠我三个月工资不给")
    assert linked(new) == ""


def test_the_same_caller_about_the_same_thing_joins_without_a_place() -> None:
    new = later(caller="aaa", address_key="", lat=None, lng=None, text="锦绣苑整栋楼还是没有水")
    assert linked(new) == "O1"


def test_the_same_words_far_away_are_another_incident() -> None:
    assert linked(later(lat=30.01)) == ""  # a kilometre north


def test_the_same_words_with_nothing_in_common_are_another_incident() -> None:
    assert linked(later(address_key="", lat=None, lng=None)) == ""


@pytest.mark.parametrize(
    ("at", "order"), [(29 * MINUTE, "O1"), (31 * MINUTE, ""), (-29 * MINUTE, "O1"), (-31 * MINUTE, "")]
)
def test_the_window_counts_in_event_time_both_ways(at: int, order: str) -> None:
    assert linked(later(at=at)) == order


def test_a_call_without_an_order_cannot_be_joined() -> None:
    assert linked(later(), replace(FIRST, order_id="")) == ""


def test_the_likest_wins_and_of_equals_the_newest() -> None:
    vague = replace(FIRST, call_id="C0", order_id="O0", text="没有水")
    again = replace(FIRST, call_id="C3", order_id="O3", at=MINUTE)
    assert linked(later(), vague, FIRST, again) == "O3"
    assert linked(later(), again, FIRST, vague) == "O3"


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_a_share_and_the_same_both_ways(a: str, b: str) -> None:
    assert 0.0 <= likeness(a, b) <= 1.0
    assert likeness(a, b) == likeness(b, a)
    assert likeness(a, a) == 1.0


@given(st.text(alphabet="水电气漏停楼上下好", min_size=4, max_size=30))
def test_fillers_and_punctuation_do_not_count(text: str) -> None:
    assert likeness(text, f"喂，你好，{text}！！") == 1.0
