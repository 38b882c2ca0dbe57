"""Files for a spreadsheet, and the bulletin: no formula runs, nothing personal, every number as the figures say."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_days import DAY, MONDAY, days
from test_figures import read

from engine import bulletins, figuring
from engine.model.city import City
from engine.reports.bulletin import changed, shown
from engine.reports.catalogue import FIGURES
from engine.reports.export import to_csv, to_xlsx
from engine.reports.tables import table_of

EVIL = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", '=HYPERLINK("http://x","y")']


@pytest.mark.parametrize("text", EVIL)
def test_a_formula_stays_text(text: str) -> None:
    (cell,) = next(csv.reader(io.StringIO(to_csv([[text]]).decode("utf-8-sig"), newline="")))
    assert cell == "'" + text
    with zipfile.ZipFile(io.BytesIO(to_xlsx([["x"], [text]], "t"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 't="s"' in sheet


@settings(max_examples=40)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_no_cell_of_a_csv_begins_a_formula(row: list[str]) -> None:
    text = to_csv([row]).decode("utf-8-sig")
    assert all(not c.startswith(("=", "+", "-", "@")) for c in next(csv.reader(io.StringIO(text, newline=""))))


def test_the_table_says_what_the_figures_say(city: City, tmp_path: Path) -> None:
    reading = read(days(city, 2, 80), tmp_path, archived=True)
    found = figuring.figures(reading, MONDAY, MONDAY + 7 * DAY, "tier")
    rows = table_of(found, "tier", city)
    assert rows[0][:3] == ["分组", "分类", "指标"]
    row = next(r for r in rows if r[0] == "市级" and r[2] == "分流率")
    assert row[3] == found["groups"]["city"]["diversion_rate"]["value"]


def test_the_weekly_bulletin_has_every_figure_and_nobody_in_it(city: City, tmp_path: Path) -> None:
    made = days(city, 9, 200, start=MONDAY - 7 * DAY, length=14 * DAY)
    reading = read(made, tmp_path, archived=True)
    page = bulletins.write(reading, "2026-01-07", "week", MONDAY + 8 * DAY)
    values = figuring.figures(reading, MONDAY, MONDAY + 7 * DAY)["values"]
    before = figuring.figures(reading, MONDAY - 7 * DAY, MONDAY)["values"]
    assert "警情分流周报" in page
    assert "2026年1月5日—1月11日" in page
    for name, figure in FIGURES.items():
        now, then = values[name]["value"], before[name]["value"]
        assert f"<td>{shown(figure, now)}</td>" in page, name
        assert f"<td>{shown(figure, then)}</td><td>{changed(figure, now, then)}</td>" in page, name
    assert "个来电" not in page, "no text of a call"
    day = bulletins.write(reading, "2026-01-07", "day", MONDAY + 8 * DAY)
    assert "2026年1月7日 星期三" in day
    assert "前一日" in day


def test_changes_are_said_in_points_for_shares_and_in_per_cent_for_numbers() -> None:
    rate, number = FIGURES["diversion_rate"], FIGURES["received"]
    assert changed(rate, 0.5, 0.45) == "↑ 5.0 个百分点"
    assert changed(rate, 0.5, None) == "—"
    assert changed(number, 90, 100) == "↓ 10.0%"
    assert changed(number, 7, 7) == "持平"
