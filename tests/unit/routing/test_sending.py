"""The nearest free unit that can be there within its circle: 1-3-5 minutes in each of its known meanings."""

import pytest

from engine.model.circle import circle_s
from engine.model.city import City, Length, Tier
from engine.model.decision import Decision, Handoff
from engine.model.order import Event
from engine.model.reading import Matter, Place
from engine.model.units import FreeUnit, Unit, UnitKind
from engine.model.values import replace
from engine.routing import with_unit

NOW = 1_767_578_400_000
STATION, NEIGHBOUR = "wc-gl-station", "wc-tc-station"


def unit(unit_id: str, body: str = STATION, kind: UnitKind = UnitKind.POST) -> Unit:
    return Unit(unit_id, f"{unit_id}号", body, kind, 27.92, 122.32, 36.0)


@pytest.fixture
def town(city: City) -> City:
    """The sample city with units of its own; 36 km/h without detours are ten metres a second."""
    units = (
        unit("crew", kind=UnitKind.STATION),
        unit("post"),
        unit("far-post"),
        unit("next-door", NEIGHBOUR),
        unit("patrol", kind=UnitKind.PATROL),
        unit("branch-car", "wc-branch"),
        unit("cross-town-branch", "qh-branch"),
        unit("bikes", "pol-traffic"),
    )
    return replace(city, units={u.id: u for u in units}, travel=replace(city.travel, detour=1.0))


def a_dispatch(**other: object) -> Decision:
    plain = Decision(
        matter=Matter.POLICE,
        category="order.fight",
        group="",
        confidence=0.9,
        danger=False,
        review=False,
        handoff=Handoff.DISPATCH,
        body_id=STATION,
        fallbacks=("wc-branch",),
        joint=(),
        procedure="police_dispatch",
        grade="yellow",
        place=Place(district="wc", township="wc-gl"),
        reasons=(),
    )
    return replace(plain, **other)  # type: ignore[arg-type]  # fields by name


def free(*pairs: tuple[str, float], heard_at: int = 0) -> tuple[FreeUnit, ...]:
    return tuple(FreeUnit(name, metres, heard_at) for name, metres in pairs)


def test_the_nearest_goes_and_the_reason_says_why(town: City) -> None:
    sent = with_unit(a_dispatch(), free(("post", 420), ("crew", 900)), town, NOW)
    assert sent.unit is not None
    assert (sent.unit.unit_id, sent.unit.metres, sent.unit.seconds, sent.unit.within) == ("post", 420, 42, 300)
    assert (sent.body_id, sent.fallbacks) == (STATION, ("wc-branch",))
    assert sent.reasons[-1].code == "nearest_unit"
    assert sent.reasons[-1].text == "就近派警：post号距现场约 420 米，预计 42 秒到达，在 5 分钟快反圈内"


def test_nobody_in_the_circle_leaves_it_to_the_station_and_says_so(town: City) -> None:
    sent = with_unit(a_dispatch(), free(("far-post", 3001)), town, NOW)
    assert (sent.unit, sent.body_id) == (None, STATION)

    assert "5 分钟快反圈内没有空闲警力，由鼓澜派出所指派" in sent.reasons[-1].text


def test_the_circle_by_class_of_place(town: City) -> None:
    """A school: one minute; a bank: three; elsewhere five."""
    for place_class, metres, goes in (
        ("school", 601, False),
        ("school", 600, True),
        ("bank", 1800, True),
        ("", 3000, True),
    ):
        place = Place(district="wc", township="wc-gl", place_class=place_class)
        sent = with_unit(a_dispatch(place=place), free(("post", metres)), town, NOW)
        assert (sent.unit is not None) == goes, (place_class, metres)


def circle_by(city: City, **speaks: dict[str, Length]) -> City:
    procedure = city.procedures["police_dispatch"]
    plain = {"within": Length(3600), "by_grade": {}, "by_place_class": {}}
    steps = tuple(
        replace(s, **(plain | speaks)) if s.step is Event.ARRIVE else s  # type: ignore[arg-type]  # fields by name
        for s in procedure.steps
    )
    return replace(city, procedures={**city.procedures, "police_dispatch": replace(procedure, steps=steps)})


def test_the_circle_by_severity(town: City) -> None:
    graded = circle_by(town, by_grade={"red": Length(60), "orange": Length(180), "yellow": Length(300)})
    found = {grade: circle_s(graded, "police_dispatch", grade, "", STATION) for grade in ("red", "orange", "yellow")}
    assert found == {"red": 60, "orange": 180, "yellow": 300}
    assert with_unit(a_dispatch(grade="red"), free(("post", 700)), graded, NOW).unit is None


def test_the_circle_by_who_comes(town: City) -> None:
    """Station one minute, district three, city five: a branch's car from farther off is still in its circle."""
    tiers = {Tier.TOWNSHIP: Length(60), Tier.DISTRICT: Length(180), Tier.CITY: Length(300)}
    by_tier = circle_by(town, by_tier=tiers)  # type: ignore[arg-type]  # any mapping of the strategy
    sent = with_unit(a_dispatch(), free(("post", 700), ("branch-car", 1700)), by_tier, NOW)
    assert sent.unit is not None
    assert (sent.unit.unit_id, sent.unit.within, sent.body_id) == ("branch-car", 180, "wc-branch")
    assert sent.fallbacks == (STATION,)


def test_a_neighbour_that_is_nearer_helps_and_the_own_station_comes_next(town: City) -> None:
    sent = with_unit(a_dispatch(), free(("next-door", 200), ("crew", 2000)), town, NOW)
    assert sent.unit is not None
    assert (sent.body_id, sent.unit.instead_of) == (NEIGHBOUR, STATION)
    assert sent.fallbacks == (STATION, "wc-branch")
    assert "跨辖区支援" in sent.reasons[-1].text


@pytest.mark.parametrize("stranger", ["cross-town-branch", "bikes", "unknown"])
def test_units_of_other_duties_are_not_taken(town: City, stranger: str) -> None:
    assert with_unit(a_dispatch(), free((stranger, 10)), town, NOW).unit is None


def test_what_belongs_to_the_traffic_police_stays_with_them(town: City) -> None:
    sent = with_unit(a_dispatch(body_id="pol-traffic", fallbacks=(STATION,)), free(("bikes", 500)), town, NOW)
    assert sent.unit is not None
    assert sent.body_id == "pol-traffic"


def test_a_silent_patrol_is_not_counted_on(town: City) -> None:
    for silent_s, goes in ((901, False), (900, True)):
        near = free(("patrol", 100), heard_at=NOW - silent_s * 1000)
        assert (with_unit(a_dispatch(), near, town, NOW).unit is not None) == goes


@pytest.mark.parametrize("other", [{"handoff": Handoff.WORK_ORDER}, {"handoff": Handoff.TRANSFER}, {"review": True}])
def test_only_a_dispatch_sends_a_unit(town: City, other: dict[str, object]) -> None:
    decision = a_dispatch(**other)
    assert with_unit(decision, free(("post", 1)), town, NOW) is decision
    assert with_unit(a_dispatch(), None, town, NOW).reasons == (), "no point is known"
