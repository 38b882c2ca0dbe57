"""What a rules folder becomes: endpoints, districts by template, versions, warnings, schemas."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RulesRefused
from engine.model.city import Length
from engine.model.dutytable import bodies_of, duty_for
from engine.model.order import Event
from engine.model.reading import Place
from engine.ruleset import check, load, schemas

from .conftest import FILES, Change


def test_endpoints_are_filled_from_the_setting(small: Path) -> None:
    city = load(small, bodies_url="http://127.0.0.1:9/")
    assert city.bodies["hotline"].endpoint == "http://127.0.0.1:9/bodies/hotline"


def test_without_the_setting_nobody_has_an_endpoint(small: Path) -> None:
    assert {body.endpoint for body in load(small).bodies.values()} == {""}


def test_another_city_is_refused(small: Path) -> None:
    assert load(small, city="xz").id == "xz"
    with pytest.raises(RulesRefused, match='this folder is the city "xz", the settings ask for "cj"'):
        load(small, city="cj")


def test_the_version_follows_the_content(small: Path, change: Change) -> None:
    before = load(small, bodies_url="http://a").version
    assert before == load(small, bodies_url="http://b").version
    change("grades.yaml", "红色", "红")
    assert load(small).version != before


def test_a_district_template_finds_the_districts_own_body(small: Path) -> None:
    city = load(small)
    for place, expected in ((Place("d1", "d1-a"), ("d1-water", "hotline")), (Place(), ("hotline",))):
        row = duty_for(city.duties, "utilities.water", place, 12)
        assert row
        assert bodies_of(city, row, place) == expected


def test_a_template_keeps_to_the_rows_areas(change: Change) -> None:
    narrow = '  - {categories: [utilities], bodies: ["{district}-water"], areas: [d1-b]}\n'
    city = load(change("duties.yaml", "duties:\n", "duties:\n" + narrow))
    rows = [row for row in city.duties if row.category == "utilities"]
    assert [(row.bodies, row.areas) for row in rows] == [(("d1-water",), ("d1-b",))]


def test_superior_means_the_one_above(change: Change) -> None:
    city = load(change("duties.yaml", "[station, branch]", "[station, superior, superior]"))
    row = duty_for(city.duties, "crime.theft", Place("d1", "d1-b"), 3)
    assert row
    assert bodies_of(city, row, Place("d1", "d1-b")) == ("b-station", "d1-branch", "cmd")


def test_lengths_of_time_become_seconds_or_working_days(small: Path) -> None:
    go, order = load(small).procedures["police_dispatch"], load(small).procedures["work_order"]
    assert [(rule.step, rule.within) for rule in go.steps] == [
        (Event.SIGN, Length(60)),
        (Event.ARRIVE, Length(300)),
        (Event.REPORT, Length(7200)),
    ]
    assert go.steps[1].by_place_class == {"school": Length(60)}
    assert order.steps[1].within == Length(working_days=10)


def test_a_danger_rule_may_insist(small: Path) -> None:
    file = small / "danger.yaml"
    before = load(small).danger[0]
    assert not before.insist
    file.write_text(
        file.read_text("utf-8").replace(f"name: {before.name},", f"name: {before.name}, insist: true,", 1), "utf-8"
    )
    assert load(small).danger[0].insist


def test_shared_contexts_join_a_rules_own(small: Path) -> None:
    assert load(small).danger[0].unless == ("~切菜", "没~", "没有~")


@pytest.mark.parametrize(
    ("file", "old", "new", "warning"),
    [
        ("bodies.yaml", "id: hotline,", "id: spare, name: 闲, tier: city, kind: department}\n  - {id: hotline,",
         "bodies.yaml:7:5: nobody ever reaches spare 闲 — name it in duties.yaml"),
        ("duties.yaml", "tests:", "  - {categories: [crime.theft], bodies: [branch]}\ntests:",
         "duties.yaml:6:19: crime.theft never comes down to this row — move it above the wider row"),
        ("areas.yaml", "roads: [乙路]", "roads: [乙路, 甲路]",
         'areas.yaml:2:1: "甲路" names d1-a and d1-b — a caller who says only that is asked'),
    ],
)  # fmt: skip
def test_what_works_but_is_hardly_meant_is_a_warning(
    change: Change, file: str, old: str, new: str, warning: str
) -> None:
    _, warnings = check(change(file, old, new))
    assert warning in map(str, warnings)


def test_editors_get_a_schema_for_every_file() -> None:
    assert set(schemas()) == {path.name for path in (FILES / "rules_small").glob("*.yaml")}
    assert "class" in schemas()["areas.yaml"]["$defs"]["PlaceRow"]["properties"]


FILE_NAMES = sorted(path.name for path in (FILES / "rules_small").glob("*.yaml"))
LINES = st.tuples(st.integers(0, 40), st.sampled_from(["drop", "double", "swap", "cut"]), st.integers(0, 60))


@settings(max_examples=150, deadline=None)
@given(file=st.sampled_from(FILE_NAMES), edits=st.lists(LINES, min_size=1, max_size=3))
def test_a_mangled_folder_is_refused_or_loaded_never_broken(
    file: str, edits: list[tuple[int, str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = Path(shutil.copytree(FILES / "rules_small", tmp_path_factory.mktemp("mangled") / "rules"))
    lines = (folder / file).read_text("utf-8").split("\n")
    for number, edit, column in edits:
        _mangle(lines, number % max(1, len(lines)), edit, column)
    (folder / file).write_text("\n".join(lines), "utf-8")
    faults, _ = check(folder)
    assert all(fault.where.split(":")[0] in FILE_NAMES for fault in faults)
    assert faults or load(folder).id


def _mangle(lines: list[str], number: int, edit: str, column: int) -> None:
    """Drop, double, swap or cut one line, as a hasty hand does."""
    if not lines:
        return
    line = lines[number]
    if edit == "drop":
        del lines[number]
    elif edit == "double":
        lines.insert(number, line)
    elif edit == "swap":
        lines[number], lines[-1] = lines[-1], line
    else:
        lines[number] = line[:column] + line[column + 3 :]
