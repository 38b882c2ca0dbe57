"""Spreadsheets as rows of named cells: CSV (UTF-8 or GBK) and XLSX; each cell knows where it stands."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from engine.errors import Fault, Refused

_MOST_BYTES = 20_000_000
_MOST_UNPACKED = 100_000_000
"""Bytes of an XLSX file's parts together: a province's areas unpack to some ten million."""
_MOST_ROWS = 100_000
_MOST_COLUMNS = 100
_LOOK_FOR_HEAD = 10
"""A title may stand above the row with the columns' names."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: column → text, and where its cells stand."""

    sheet: str
    """`bodies.csv` or `areas.xlsx[区划]`."""
    number: int
    cells: Mapping[str, str]
    letters: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def fault(self, column: str, what: str, right: str = "") -> Fault:
        """A fault named by sheet and cell."""
        return Fault(f"{self.sheet}!{self.letters.get(column, 'A')}{self.number}", what, right)

    def many(self, column: str) -> list[str]:
        """Several words in one cell, between 、 ， ; or line ends."""
        text = self[column]
        for mark in "，,；;|\n":
            text = text.replace(mark, "、")
        return [word.strip() for word in text.split("、") if word.strip()]


def read(path: Path, columns: Mapping[str, Sequence[str]], needed: Sequence[str]) -> list[Row]:
    """The rows of a file's first sheet below its head. `columns`: name → other names it may have in the head.

    Raises `Refused`: a file that cannot be read, a head without the `needed` columns. Columns of other names are left.
    """
    sheet, table = _table(path)
    known = {_plain(alias): name for name, aliases in columns.items() for alias in (name, *aliases)}
    for at, cells in enumerate(table[:_LOOK_FOR_HEAD]):
        head = {known[_plain(cell)]: n for n, cell in reversed([*enumerate(cells)]) if _plain(cell) in known}
        if all(name in head for name in needed):
            return [*_rows(sheet, table, at, head)]
    wanted = "、".join(needed)
    raise Refused(Fault(f"{sheet}!A1", f"no row names the columns {wanted}", f"a first row with {'、'.join(columns)}"))


def _rows(sheet: str, table: list[list[str]], at: int, head: Mapping[str, int]) -> Iterable[Row]:
    letters = {name: get_column_letter(n + 1) for name, n in head.items()}
    for number, cells in enumerate(table[at + 1 :], at + 2):
        found = {name: cells[n].strip() for name, n in head.items() if n < len(cells) and cells[n].strip()}
        if found:
            yield Row(sheet, number, found, letters)


def _plain(cell: str) -> str:
    return "".join(cell.split()).partition("（")[0].partition("(")[0].rstrip("*:：").lower()


def _table(path: Path) -> tuple[str, list[list[str]]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Refused(Fault(path.name, f"cannot be read: {error.strerror}")) from None
    if len(raw) > _MOST_BYTES:
        raise Refused(Fault(path.name, f"is over {_MOST_BYTES} bytes", "split it"))
    if path.suffix.lower() == ".xlsx":
        return _xlsx(path.name, raw)
    if path.suffix.lower() in (".csv", ".txt"):
        return path.name, _csv(path.name, _text(path.name, raw))
    raise Refused(Fault(path.name, f'"{path.suffix}" is no kind of table known here', "a .csv or .xlsx file"))


def _text(name: str, raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(Fault(name, "is neither UTF-8 nor GBK text", "save it as CSV UTF-8, or as XLSX"))


def _csv(name: str, text: str) -> list[list[str]]:
    table: list[list[str]] = []
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        for row in rows:
            table.append(row[:_MOST_COLUMNS])
            if len(table) == _MOST_ROWS:
                break
    except csv.Error as error:
        raise Refused(Fault(f"{name}!A{rows.line_num}", f"is no CSV: {error}", "save it anew as CSV UTF-8")) from None
    return table


_BROKEN = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, ParseError, KeyError, ValueError, TypeError, IndexError,
    AttributeError, OSError, NotImplementedError, EOFError,
)  # fmt: skip
"""What openpyxl and what it stands on raise at files that only look like workbooks."""


def _xlsx(name: str, raw: bytes) -> tuple[str, list[list[str]]]:
    try:
        _harmless(name, raw)
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        page = book.worksheets[0]
        # Both bounds matter: a row of twenty bytes may name its 16,384th cell, and openpyxl fills up to it.
        rows = page.iter_rows(values_only=True, max_row=_MOST_ROWS, max_col=_MOST_COLUMNS)
        table = [[_said(cell) for cell in row] for row in rows]
        title = page.title
        book.close()
    except _BROKEN:
        raise Refused(Fault(name, "is no XLSX workbook", "save it anew from the spreadsheet program")) from None
    return f"{name}[{title}]", table


def _harmless(name: str, raw: bytes) -> None:
    """Raises `Refused` for a file that unpacks to far more than it is, or whose XML declares entities."""
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        parts = packed.infolist()
        if sum(part.file_size for part in parts) > _MOST_UNPACKED:  # zipfile reads no more of a part than it says
            raise Refused(Fault(name, f"unpacks to over {_MOST_UNPACKED} bytes", "a table without pictures, or split"))
        for part in parts:
            if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                with packed.open(part) as file:
                    _without_doctype(name, file)


def _without_doctype(name: str, file: IO[bytes]) -> None:
    """A document type may declare entities that multiply; no spreadsheet program writes one."""
    parser, begun = expat.ParserCreate(), []

    def refuse(*_: object) -> None:
        raise Refused(Fault(name, "declares a document type in its XML", "save it anew from the spreadsheet program"))

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda *_: begun.append(True)
    while not begun and (chunk := file.read(4096)):
        try:
            parser.Parse(chunk, False)
        except expat.ExpatError:
            return  # openpyxl says what is wrong with it


def _said(cell: Any) -> str:
    """A number without its `.0`: programs keep codes and telephone numbers as numbers."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
