"""Tables as files for a spreadsheet. Text that a spreadsheet would run as a formula stays text. Pure."""

import csv
import io
from collections.abc import Sequence

Cell = str | int | float | None
Table = Sequence[Sequence[Cell]]
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONGEST = 32_000


def harmless(text: str) -> str:
    """Text as a spreadsheet shows it: what it would take for a formula gets the apostrophe that says `text`."""
    return "'" + text if text.startswith(_RUNS) or text.lstrip().startswith(_RUNS[:4]) else text


def to_csv(table: Table) -> bytes:
    """UTF-8 with the mark by which spreadsheets know it."""
    out = io.StringIO()
    csv.writer(out).writerows([[harmless(c) if isinstance(c, str) else c for c in row] for row in table])
    return out.getvalue().encode("utf-8-sig")


def to_xlsx(table: Table, title: str) -> bytes:
    """One sheet, first row in bold. Strings are written as strings, whatever they begin with."""
    import xlsxwriter  # only who asks for a workbook waits for it

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    sheet = book.add_worksheet(title[:31])
    bold, share = book.add_format({"bold": True}), book.add_format({"num_format": "0.0%"})
    for y, row in enumerate(table):
        for x, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(y, x, harmless(cell)[:_LONGEST], bold if y == 0 else None)
            elif cell is not None:
                sheet.write_number(y, x, cell, share if isinstance(cell, float) else None)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 1, 22)
    book.close()
    return out.getvalue()
