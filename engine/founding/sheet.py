"""Spreadsheets as rows of named cells: CSV (UTF-8 or GBK) and XLSX; each cell knows where it stands."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from engine.errors import Fault, Refused

_MOST_BYTES = 20_000_000
_MOST_ROWS = 100_000
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
        return path.name, [row for row in csv.reader(io.StringIO(_text(path.name, raw)))][:_MOST_ROWS]
    raise Refused(Fault(path.name, f'"{path.suffix}" is no kind of table known here', "a .csv or .xlsx file"))


def _text(name: str, raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(Fault(name, "is neither UTF-8 nor GBK text", "save it as CSV UTF-8, or as XLSX"))


def _xlsx(name: str, raw: bytes) -> tuple[str, list[list[str]]]:
    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise Refused(Fault(name, "is no XLSX workbook", "save it anew from the spreadsheet program")) from None
    page = book.worksheets[0]
    rows = page.iter_rows(values_only=True, max_row=_MOST_ROWS)
    table = [[_said(cell) for cell in row] for row in rows]
    title = page.title
    book.close()
    return f"{name}[{title}]", table


def _said(cell: Any) -> str:
    """A number without its `.0`: programs keep codes and telephone numbers as numbers."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
