"""What a change of tables would have changed: the same calls decided by two folders, told in words."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from made_up_days import days
from running import RULES
from typer.testing import CliRunner

from engine import archiving, comparing, ruleset
from engine.comparing_command import make_diff
from engine.history import History
from engine.model.call import Call, Caller, Channel, Location
from engine.model.city import City
from engine.model.decision import Links
from engine.model.reading import Matter, Place, Reading, Signs
from engine.reports import facts
from engine.store.codec import to_json

AT = 1_767_578_400_000  # 5 January 2026, 10:00 in the city


def line(city: City, n: int, category: str, township: str = "wc-gl", **more: Any) -> bytes:
    own = city.taxonomy.categories[category]
    place = Place(township.split("-")[0], township, certainty=1.0)
    fields: dict[str, Any] = {"matter": own.matter, "danger": False, "signs": Signs(), "place": place} | more
    reading = Reading(category=category, group=own.group, confidence=0.97, review=False, **fields)
    call = Call(f"C{n}", city.id, AT + n, Channel.POLICE_LINE, f"第 {n} 个来电", Caller("h"), Location())
    return to_json({"call": call, "outcome": {"reading": reading, "links": Links()}}).encode()


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RULES, tmp_path / "after", ignore=shutil.ignore_patterns("alerts")))


def edit(folder: Path, name: str, was: str, would: str) -> None:
    text = (folder / name).read_text("utf-8")
    assert was in text
    (folder / name).write_text(text.replace(was, would, 1), "utf-8")


def test_the_same_folder_changes_nothing(city: City) -> None:
    lines = [line(city, n, c) for n, c in enumerate(("urban.manhole", "crime.assault", "dispute.neighbour"))]
    found = comparing.compare(city, city, lines)
    assert (found.calls, found.changed, found.changes) == (3, 0, {})


def test_another_body_is_counted_with_examples(city: City, changed: Path) -> None:
    edit(changed, "duties.yaml", '[urban.manhole], bodies: ["{district}-chengguan", city-chengguan]',
         '[urban.manhole], bodies: [city-water, city-chengguan]')  # fmt: skip
    text = (changed / "duties.yaml").read_text("utf-8")
    (changed / "duties.yaml").write_text(text.partition("\ntests:")[0] + "\n", "utf-8")
    lines = [line(city, n, "urban.manhole" if n < 5 else "crime.assault") for n in range(9)]
    found = comparing.compare(city, ruleset.load(changed), lines)
    assert (found.calls, found.changed) == (9, 5)
    ((was, would), kind), = found.changes["body"].items()  # fmt: skip
    assert (kind.count, len(kind.examples)) == (5, 3)
    assert would == city.bodies["city-water"].name
    told = "\n".join(comparing.words(found))
    assert "共比较 9 个来电，其中 5 个的处置会改变" in told
    assert f"5 个：{was} → {would}" in told
    assert json.loads(json.dumps(comparing.plain(found)))["changes"]["body"][0]["calls"] == 5


def test_a_shorter_time_is_a_changed_deadline(city: City, changed: Path) -> None:
    text = (changed / "procedures.yaml").read_text("utf-8")
    start = text.index("id: police_dispatch")
    at = text.index("within: ", start)
    stop = min(text.index(c, at) for c in (",", "}", "\n") if c in text[at:])
    (changed / "procedures.yaml").write_text(text[:at] + "within: 7s" + text[stop:], "utf-8")
    found = comparing.compare(city, ruleset.load(changed), [line(city, 1, "crime.assault")])
    assert list(found.changes) == ["deadline"]
    assert "7 秒" in next(iter(found.changes["deadline"]))[1]


def test_the_matter_table_speaks_anew_where_it_had_spoken(city: City, changed: Path) -> None:
    """A dispute with threats was police work by the table; without the row it is not. The model's own word stays."""
    from classifiers.matters import matter_of

    signs = Signs(threat=True)
    category = city.taxonomy.categories["dispute.neighbour"]
    assert matter_of(category, frozenset({"threat"}), city.taxonomy) is Matter.POLICE
    import dataclasses

    after = dataclasses.replace(city, taxonomy=dataclasses.replace(city.taxonomy, table=()))
    by_table = line(city, 1, "dispute.neighbour", matter=Matter.POLICE, signs=signs)
    by_model = line(city, 2, "dispute.neighbour", matter=Matter.POLICE)
    found = comparing.compare(city, after, [by_table, by_model])
    assert [e["call_id"] for k in found.changes["matter"].values() for e in k.examples] == ["C1"]


def test_what_cannot_be_compared_is_counted(city: City) -> None:
    found = comparing.compare(city, city, [b"{}", b"not json", b"", line(city, 1, "urban.manhole")])
    assert (found.calls, found.skipped) == (1, 2)


def test_the_history_is_read_as_it_stands(city: City, tmp_path: Path) -> None:
    made = days(city, 2, 15)
    history = History(tmp_path / "history", facts.COLUMNS)
    batch = archiving.Batch(made.calls, made.orders, made.alerts, {}, made.lines)
    history.place(history.promise("one", "2026-01-20", archiving.rows_of(batch, city)))
    app = typer.Typer()
    app.command()(make_diff(lambda **_: None))  # type: ignore[arg-type, return-value]  # no store is asked
    asked = [str(RULES), str(RULES), "--calls", str(tmp_path / "history" / "call"), "--json"]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    categories = [c["outcome"]["reading"]["category"] for c in json.loads(to_json([*made.calls.values()]))]
    strange = sum(c not in city.taxonomy.categories for c in categories)
    assert (found["calls"], found["changed"], found["skipped"]) == (15 - strange, 0, strange)
