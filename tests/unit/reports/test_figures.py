"""Figures add up, and nobody is left out of them."""

from hypothesis import given
from hypothesis import strategies as st

from engine.reports import Row, hot_spots, received

NIGHT = 1_795_371_000_000  # 22 November 2026, 02:10 in the city
ROWS = st.lists(
    st.builds(
        Row,
        at=st.integers(NIGHT, NIGHT + 10**9),
        matter=st.sampled_from(["police", "government", "local"]),
        handoff=st.sampled_from(["dispatch", "transfer", "work_order", "none"]),
        category=st.sampled_from(["urban.road", "help.fire"]),
        review=st.booleans(),
        danger=st.booleans(),
        district=st.just("wc"),
        township=st.sampled_from(["", "wc-gl", "wc-tc"]),
    )
)


def test_half_of_the_non_police_calls_were_handed_over() -> None:
    rows = [
        Row(NIGHT, "police", "dispatch", "help.fire", False, True),
        Row(NIGHT, "government", "work_order", "urban.road", False, False),
        Row(NIGHT, "government", "none", "urban.road", True, False),
    ]
    found = received(rows)
    assert found["non_police_share"] == 0.6667
    assert found["diversion_rate"] == 0.5
    assert found["by_category"] == {"urban.road": 2, "help.fire": 1}


def test_the_busiest_township_comes_first_with_its_hour() -> None:
    rows = [Row(NIGHT, "local", "work_order", "urban.road", False, False, "wc", t) for t in ("wc-tc", "wc-gl", "wc-gl")]
    first, second = hot_spots(rows, "Asia/Shanghai")
    assert (first["township"], first["calls"], second["township"]) == ("wc-gl", 2, "wc-tc")
    assert first["by_hour"][2] == 2


@given(ROWS)
def test_every_call_is_in_every_figure_once(rows: list[Row]) -> None:
    found = received(rows)
    for name in ("by_matter", "by_handoff", "by_category"):
        assert sum(found[name].values()) == len(rows)
    assert 0 <= found["diversion_rate"] <= 1
    spots = hot_spots(rows, "Asia/Shanghai")
    assert sum(s["calls"] for s in spots) == sum(sum(s["by_hour"]) for s in spots) == len(rows)
