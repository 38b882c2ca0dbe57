"""Small files that grow: spreadsheets, XML, YAML, patterns. Each is refused in words, in bounded time and memory."""

import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import re2
from running import ROOT

from engine.alerting.template import parse
from engine.errors import Refused
from engine.founding.sheet import read
from engine.strictyaml import Strict, read_text

COLUMNS = {"区划代码": ("代码",), "名称": ()}
NEEDED = ("区划代码", "名称")
_BOOK = b"""<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
 xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<sheets><sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>"""
_RELS = b"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>
</Relationships>"""
_TYPES = b"""<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels"
 ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"""
_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
_LAUGHS = b'<!DOCTYPE x [<!ENTITY a "%s">%s]>' % (
    b"ha" * 50,
    b"".join(b'<!ENTITY a%d "%s">' % (n, (b"&a%d;" % (n - 1) if n else b"&a;") * 20) for n in range(12)),
)


def workbook(sheet: bytes, **parts: bytes) -> bytes:
    """An XLSX file with this sheet; `parts` are further files in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        whole = {"[Content_Types].xml": _TYPES, "xl/workbook.xml": _BOOK, "xl/_rels/workbook.xml.rels": _RELS}
        for name, content in (whole | {"xl/worksheets/sheet1.xml": sheet} | parts).items():
            packed.writestr(name, content)
    return out.getvalue()


def cell(at: str, text: str) -> bytes:
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


HEAD = b"<row>" + cell("A1", "区划代码") + cell("B1", "名称") + b"</row>"
ROW = b"<row>" + cell("A2", "9903") + cell("B2", "云岫市") + b"</row>"


def small(path: Path, content: bytes) -> Path:
    """The file, which must be small for what it unpacks to."""
    assert len(content) < 3_000_000
    path.write_bytes(content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(Refused) as told:
        read(path, COLUMNS, NEEDED)
    return str(told.value)


def test_a_workbook_made_by_hand_is_read(tmp_path: Path) -> None:
    (row,) = read(small(tmp_path / "a.xlsx", workbook(_SHEET % (HEAD + ROW))), COLUMNS, NEEDED)
    assert (row["区划代码"], row["名称"]) == ("9903", "云岫市")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """Whichever part swells: here the texts, half of it, and a picture."""
    swollen = dict.fromkeys(("xl/sharedStrings.xml", "xl/media/image1.png"), b"<a>" + b" " * 51_000_000)
    bomb = workbook(_SHEET % (HEAD + ROW), **swollen)
    began = time.process_time()
    assert "unpacks to over" in refused(small(tmp_path / "a.xlsx", bomb))
    assert time.process_time() - began < 1.0


def test_a_zip_that_lies_about_its_size_is_read_no_further_than_it_says(tmp_path: Path) -> None:
    honest = workbook(_SHEET % (HEAD + ROW + b" " * 20_000_000))
    size = (len(_SHEET) - 2 + len(HEAD + ROW) + 20_000_000).to_bytes(4, "little")
    assert honest.count(size) == 2
    lying = honest.replace(size, (1_000).to_bytes(4, "little"))
    assert "no XLSX workbook" in refused(small(tmp_path / "a.xlsx", lying))


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml", "x/y.rels"])
def test_a_billion_laughs_is_refused_before_the_first_one(tmp_path: Path, part: str) -> None:
    evil = b'<?xml version="1.0"?><!-- %s -->' % (b"-" * 9_000).replace(b"-", b"x") + _LAUGHS + b"<a>&a11;</a>"
    told = refused(small(tmp_path / "a.xlsx", workbook(_SHEET % (HEAD + ROW), **{part: evil})))
    assert "document type" in told


def test_rows_that_name_their_last_cell_do_not_fill_the_memory(tmp_path: Path) -> None:
    """`XFD` is the 16,384th column: these rows, some hundred kilobytes, name 65 million cells."""
    far = b"<row>" + cell("A2", "9903") + cell("B2", "云岫市") + b'<c r="XFD2"/></row>'
    path = small(tmp_path / "a.xlsx", workbook(_SHEET % (HEAD + far * 4_000)))
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (700_000_000,) * 2)\n"
        "from pathlib import Path\nfrom engine.founding.sheet import read\n"
        "print(len(read(Path(sys.argv[1]), {'区划代码': (), '名称': ()}, ('区划代码', '名称'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert done.stdout.strip() == "4000", done.stderr[-500:]


@pytest.mark.parametrize(
    "content",
    [
        b"PK",
        workbook(b"<worksheet"),
        workbook(b""),
        workbook(b"\x00" * 100),
        workbook(_SHEET % b'<row><c r="?"/></row>'),
    ],
    ids=["no zip", "cut XML", "empty", "zeros", "no cell"],
)
def test_a_broken_workbook_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    assert "a.xlsx" in refused(small(tmp_path / "a.xlsx", content))


@pytest.mark.parametrize(
    "content",
    ['区划代码,名称\n"' + "a" * 200_000, "a," * 1_400_000, "," * 2_900_000, '"' * 2_900_000],
    ids=["a field without end", "millions of columns", "commas", "quotes"],
)
def test_a_csv_that_grows_is_bounded(tmp_path: Path, content: str) -> None:
    path = small(tmp_path / "a.csv", content.encode()) if len(content) < 2_900_000 else tmp_path / "a.csv"
    path.write_text(content, "utf-8")
    began = time.process_time()
    assert "a.csv" in refused(path)
    assert time.process_time() - began < 5.0


class Anything(Strict):
    """Takes anything at `a`."""

    a: object = None


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "a: " + "[" * 5_000,
        "a: " + "{a: " * 5_000,
        "- " * 50_000,
        "? " * 20_000,
        "a: !!python/object/apply:os.system ['true']",
        "a: !!binary " + "A" * 100,
        "\n".join(f"k{n}: 1" for n in range(15_000)),
    ],
    ids=[
        "aliases",
        "deep lists",
        "deep maps",
        "deep dashes",
        "deep keys",
        "a python object",
        "binary",
        "keys",
    ],
)
def test_yaml_that_grows_or_runs_is_refused_in_bounded_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(Refused, match=r"a\.yaml:\d+:\d+: "):
        read_text(text, "a.yaml", Anything)
    assert time.process_time() - began < 8.0


def test_a_pattern_of_a_rule_is_matched_in_linear_time() -> None:
    began = time.process_time()
    assert not re2.search(r"(a+)+(a|aa)*(b|bb)*$", "a" * 50_000 + "c")
    assert time.process_time() - began < 5.0
    used = (ROOT / "engine" / "alerting" / "textual.py").read_text("utf-8")
    assert "import re2" in used
    assert "import re\n" not in used, "patterns that a person wrote are for re2 alone"


@pytest.mark.parametrize(
    "hole",
    ["text.__class__", "text!r", "text:>9999999", "0", "", " text", "text[0]", "config", "{text}", "%s", "$text"],
)
def test_a_template_fills_names_and_runs_nothing(hole: str) -> None:
    """Neither format strings nor Jinja: what is between braces is a name that is known, or `不详`."""
    values = {"text": "值{caller}{{7*7}}"}
    if "{" in hole:
        with pytest.raises(ValueError, match="lone"):
            parse("甲{" + hole + "}乙")
    else:
        assert parse("甲{" + hole + "}乙").fill(values) in ("甲不详乙", "甲{}乙")
    assert parse("{text}").fill({"text": "值{caller}{{7*7}}"}) == "值{caller}{{7*7}}", (
        "what is filled in is not filled again"
    )
