"""Reading tables that people upload, row by row: CSV in the usual encodings, XLSX. A broken row costs only itself."""

import codecs
import csv
import zipfile
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time
from io import TextIOWrapper
from typing import Any, BinaryIO

from django.utils.translation import gettext as _
from openpyxl import load_workbook

from parking_share.errors import DomainError

MOST_BYTES, MOST_UNPACKED_BYTES = 20 * 1024 * 1024, 400 * 1024 * 1024
MOST_COLUMNS, MOST_ROWS, MOST_LINES_OF_A_ROW = 300, 100_000, 200
CHUNK = 1 << 16
DELIMITERS = ",;\t"
ZIP_START = b"PK\x03\x04"


class TableRefused(DomainError):
    """The file as a whole can't be read, or not any further."""

    code = "table_refused"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row that is not blank; `number` counts these, the header being row 1. `fault` says why it can't be used."""

    number: int
    cells: tuple[str, ...]
    fault: str = ""


def read_header(file: BinaryIO) -> list[str]:
    """The names of the columns, in order; refused where they can't be told apart."""
    first = next(_raw_rows(file), None)
    if first is None:
        raise TableRefused(_("The table is empty; its first row must name the columns."))
    names = [cell.strip() for cell in first.cells]
    while names and not names[-1]:
        names.pop()
    doubled = sorted({name for name in names if names.count(name) > 1})
    if first.fault or not all(names):
        raise TableRefused(_("The first row must name every column."))
    if doubled:
        raise TableRefused(_("Several columns are called %(names)s. Rename them.") % {"names": ", ".join(doubled)})
    if len(names) > MOST_COLUMNS:
        raise TableRefused(_("The table has more than %(n)s columns.") % {"n": MOST_COLUMNS})
    if any("\x00" in name for name in names):
        raise TableRefused(_("The first row holds characters that no text can have."))
    return names


def read_rows(file: BinaryIO, *, columns: int) -> Iterator[Row]:
    """The rows under the header, as many cells as there are columns; blank rows are left out."""
    rows = _raw_rows(file)
    next(rows, None)
    for number, row in enumerate(rows, 2):
        if number > MOST_ROWS + 1:
            raise TableRefused(_("The table has more than %(n)s rows. Split it.") % {"n": MOST_ROWS})
        extra = [cell for cell in row.cells[columns:] if cell.strip()]
        fault = row.fault or (_("There are more cells than columns.") if extra else "")
        cells = (*row.cells[:columns], *[""] * (columns - len(row.cells)))
        yield Row(number=number, cells=cells, fault=fault)


@dataclass(frozen=True, kw_only=True)
class _Raw:
    cells: tuple[str, ...]
    fault: str = ""


def _raw_rows(file: BinaryIO) -> Iterator[_Raw]:
    """All rows that are not blank, the header among them."""
    file.seek(0)
    start = file.read(len(ZIP_START))
    file.seek(0)
    rows = _sheet_rows(file) if start == ZIP_START else _csv_rows(file)
    return (row for row in rows if row.fault or any(cell.strip() for cell in row.cells))


def _csv_rows(file: BinaryIO) -> Iterator[_Raw]:
    """Records of a CSV file. A quote that is never closed breaks its own line, not all that follow."""
    encoding = _encoding_of(file)
    text = TextIOWrapper(file, encoding=encoding, newline="")
    try:
        waiting: deque[str] = deque()
        lines, delimiter = iter(text), ""
        while record := _record(waiting, lines):
            delimiter = delimiter or max(DELIMITERS, key=record[0].count)
            try:
                rows = [tuple(row) for row in csv.reader(record, delimiter=delimiter, strict=True)]
            except csv.Error:
                waiting.extendleft(reversed(record[1:]))
                yield _Raw(cells=(record[0].strip("\r\n"),), fault=_("The quotes of this row don't match."))
            else:
                yield from (_Raw(cells=row) for row in rows)
    finally:
        text.detach()


def _record(waiting: deque[str], lines: Iterator[str]) -> list[str]:
    """The lines of the next record: as many as it takes until every quote is closed."""
    record: list[str] = []
    quotes = 0
    while line := waiting.popleft() if waiting else next(lines, ""):
        record.append(line)
        quotes += line.count('"')
        if quotes % 2 == 0 or len(record) > MOST_LINES_OF_A_ROW:
            break
    return record


def _encoding_of(file: BinaryIO) -> str:
    """UTF-8, UTF-16 with its mark, or the GB 18030 that spreadsheets in China save."""
    start = file.read(2)
    file.seek(0)
    has_mark = start in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    for encoding in ["utf-16"] if has_mark else ["utf-8-sig", "gb18030"]:
        if _can_be_read_as(file, encoding):
            return encoding
    raise TableRefused(_("This is neither a CSV table in UTF-8 or GB 18030 nor an XLSX workbook."))


def _can_be_read_as(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return True


def _sheet_rows(file: BinaryIO) -> Iterator[_Raw]:
    """Rows of the only sheet of a workbook that holds anything. Any trouble of the reader is a refusal."""
    _refuse_bombs(file)
    try:
        with closing(load_workbook(file, read_only=True, data_only=False, keep_links=False)) as book:
            filled = [sheet for sheet in book.worksheets if _is_filled(sheet)]
            if len(filled) > 1:
                names = {"names": ", ".join(sheet.title for sheet in filled)}
                raise TableRefused(_("Several sheets hold something: %(names)s. Save the one you mean alone.") % names)
            for sheet in filled:
                for cells in sheet.iter_rows():
                    yield _sheet_row(cells)
    except (TableRefused, GeneratorExit):
        raise
    except Exception as error:  # whatever the reader stumbles over, the file is to blame
        raise TableRefused(_("This workbook is damaged: it can't be read. Save it again.")) from error


def _is_filled(sheet: Any) -> bool:
    return any(
        value is not None for row in sheet.iter_rows(max_row=MOST_LINES_OF_A_ROW, values_only=True) for value in row
    )


def _sheet_row(cells: Any) -> _Raw:
    if any(cell.data_type == "f" for cell in cells):
        texts = tuple(str(cell.value or "") for cell in cells)
        return _Raw(cells=texts, fault=_("A cell of this row holds a formula. Save values instead of formulas."))
    return _Raw(cells=tuple(_as_text(cell.value) for cell in cells))


def _as_text(value: Any) -> str:
    """A cell as one would type it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


def _refuse_bombs(file: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise TableRefused(_("This workbook is damaged: it can't be read. Save it again.")) from error
    finally:
        file.seek(0)
    if unpacked > MOST_UNPACKED_BYTES:
        raise TableRefused(_("This workbook is too large when unpacked."))
