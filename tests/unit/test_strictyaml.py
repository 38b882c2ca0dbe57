"""Strict YAML: every fault at once, each with its line, its column and what would be right."""

from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from engine.errors import Fault, RulesRefused
from engine.strictyaml import Strict, excerpt, read, read_text


class Colour(StrEnum):
    RED = "red"
    ORANGE = "orange"


class Row(Strict):
    name: str
    colour: Colour = Colour.RED
    hours: tuple[int, int] | None = None
    tags: tuple[str, ...] = ()


class Sheet(Strict):
    title: str
    rows: tuple[Row, ...] = ()
    by_name: dict[str, Row] = Field(default_factory=dict)


GOOD = """\
# a sheet
title: 值班表
rows:
  - {name: 甲, colour: orange, hours: [22, 6], tags: [a, "110"]}
  - name: 乙
by_name:
  丙: {name: 丙}
"""


def faults(text: str) -> list[str]:
    with pytest.raises(RulesRefused) as refused:
        read_text(text, "sheet.yaml", Sheet)
    return [str(fault) for fault in refused.value.faults]


def test_a_good_file_becomes_its_schema() -> None:
    sheet = read_text(GOOD, "sheet.yaml", Sheet).value
    assert sheet.rows[0] == Row(name="甲", colour=Colour.ORANGE, hours=(22, 6), tags=("a", "110"))
    assert sheet.by_name["丙"].colour is Colour.RED


def test_dates_times_and_yes_stay_text() -> None:
    sheet = read_text("title: t\nrows: [{name: x, tags: [2026-01-01, 1:30, yes, 007, 0x1f]}]", "s", Sheet).value
    assert sheet.rows[0].tags == ("2026-01-01", "1:30", "yes", "007", "0x1f")


def test_all_faults_are_told_at_once() -> None:
    text = "titel: x\nrows:\n  - {name: 110, colour: oragne}\n  - {hours: [1, 2, 3]}\n"
    assert faults(text) == [
        'sheet.yaml:1:1: "title" is missing — add it',
        'sheet.yaml:3:12: "110" is not text here — put it in quotes: "110"',
        'sheet.yaml:3:25: "oragne" is not known here — did you mean "orange"?',
        'sheet.yaml:4:5: "name" is missing — add it',
        "sheet.yaml:4:13: 3 items stand here — at most 2 belong here",
        'sheet.yaml:1:1: unknown key "titel" — did you mean "title"?',
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "sheet.yaml:1:1: the file is empty"),
        ("title: a\ntitle: b", 'sheet.yaml:2:1: "title" stands here twice — keep one of them'),
        ("title:\ta", "sheet.yaml:1:7: a tab — use spaces"),
        ("title: a\0", "sheet.yaml:1:9: an invisible character U+0000 — delete it"),
        ("title: \u202ea", "sheet.yaml:1:8: an invisible character U+202E — delete it"),
        ("title: &a x", "sheet.yaml:1:8: an anchor &a — write the value out where it is needed"),
        ("title: a\nrows: *b", "sheet.yaml:2:7: an alias *b — write the value out"),
        (
            "title: !!python/object:os.system a",
            "a tag tag:yaml.org,2002:python/object:os.system — leave the tag out",
        ),
        (
            "title: a\n---\ntitle: b",
            "sheet.yaml:2:1: a second document begins here — one file holds one document",
        ),
        ("title: [a\nrows: b", "sheet.yaml:2:5: not YAML: did not find expected ',' or ']'"),
        ("? [a]\n: b", "sheet.yaml:1:3: a key that is not a word — a key is text followed by a colon"),
        ("title: " + "[" * 60 + "]" * 60, "nested deeper than 40 — write it flatter"),
        ("- a", "sheet.yaml:1:1: a list stands here — a mapping belongs here"),
        (
            "title: x\nby_name: {a: {nam: y, name: z}}",
            'sheet.yaml:2:15: unknown key "nam" — did you mean "name"?',
        ),
        ("title: x\nrows: [{name: y, zzz: 1}]", 'unknown key "zzz" — known: colour, hours, name, tags'),
        ("title:", "sheet.yaml:1:7: nothing stands here — text belongs here"),
    ],
)
def test_each_fault_has_its_sentence(text: str, sentence: str) -> None:
    assert any(sentence in fault for fault in faults(text)), faults(text)


def test_an_alias_bomb_is_refused_unexpanded() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for n in range(1, 30):
        bomb += f"{chr(96 + n) * 2}: &{chr(96 + n) * 2} [{','.join(['*a'] * 9)}]\n"
    assert "an anchor &a" in faults(bomb)[0]


def test_a_later_check_can_name_the_place() -> None:
    document = read_text(GOOD, "sheet.yaml", Sheet)
    assert str(document.fault(("rows", 0, "colour"), "no")) == "sheet.yaml:4:23: no"
    assert str(document.fault(("rows", 0, "colour"), "no", key=True)) == "sheet.yaml:4:15: no"
    assert document.fault(("rows", 1, "tags"), "no").where == "sheet.yaml:5:5"


def test_the_caret_stands_below_wide_characters() -> None:
    document = read_text(GOOD, "sheet.yaml", Sheet)
    fault = document.fault(("by_name", "丙", "name"), "no")
    line, caret = excerpt(GOOD, fault).split("\n")
    assert line == "    7 |   丙: {name: 丙}"
    assert caret == "      |              ^"


def test_files_too_large_missing_or_not_utf8_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "sheet.yaml"
    for raw, words in (
        (b"title: " + b"x" * 99, "larger than 50 bytes"),
        (b"title: a\nrows: \xff", "2:7: this is not UTF-8"),
    ):
        file.write_bytes(raw)
        with pytest.raises(RulesRefused, match=words):
            read(file, Sheet, max_bytes=50)
    with pytest.raises(RulesRefused, match="cannot be read"):
        read(tmp_path / "none.yaml", Sheet)
    with pytest.raises(RulesRefused, match="cannot be read"):
        read(tmp_path, Sheet)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "sheet.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode().replace(b"\n", b"\r\n"))
    assert read(file, Sheet).value.title == "值班表"


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(raw: bytes) -> None:
    _file_read_or_refused(raw)


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ab:-?!&*[]{},\n '\"|>#%@`~\\0.1\r\ud800é甲\u2028", max_size=60))
def test_yaml_like_noise_is_read_or_refused(text: str) -> None:
    _read_or_refuse(text)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD.encode())), st.integers(0, 8), st.binary(max_size=6)), max_size=4))
def test_mutated_good_files_are_read_or_refused(cuts: list[tuple[int, int, bytes]]) -> None:
    raw = GOOD.encode()
    for at, length, new in cuts:
        raw = raw[:at] + new + raw[at + length :]
    _file_read_or_refused(raw)


def _read_or_refuse(text: str) -> None:
    """Nothing but `RulesRefused` may come out, with faults that point into the text."""
    try:
        read_text(text, "sheet.yaml", Sheet)
        found: tuple[Fault, ...] | None = None
    except RulesRefused as refused:
        found = refused.faults
    assert found is None or (found and all(excerpt(text, fault) for fault in found))


def _file_read_or_refused(raw: bytes) -> None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = ""
    _read_or_refuse(text)
