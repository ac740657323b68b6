"""Reading a table from a file, row by row: CSV or CSV.gz, UTF-8 with or without a byte order mark."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from django.utils.translation import gettext as _

from parking_share.errors import DomainError

FIRST_DATA_ROW = 2


class TableRefused(DomainError):
    """The file as a whole can't be read, or not any further."""

    code = "table_refused"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row; `number` counts as a spreadsheet does, the header being row 1. A missing cell is empty."""

    number: int
    cells: dict[str, str]
    has_right_length: bool


@dataclass(frozen=True, kw_only=True)
class Table:
    """An open table. Rows are read once, as they are asked for."""

    header: list[str]
    rows: Iterator[Row]
    raw: BufferedReader
    size: int

    @property
    def bytes_read(self) -> int:
        return self.raw.tell()


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Open a table; a file that is not one is refused with a sentence, whenever that shows."""
    with ExitStack() as stack:
        with _explained(path):
            raw = stack.enter_context(path.open("rb"))
            reader = csv.reader(stack.enter_context(_decoded(raw, path)), strict=True)
            header = [name.strip() for name in next(reader, [])]
        _check_header(header, path)
        yield Table(header=header, rows=_rows(reader, header, path), raw=raw, size=path.stat().st_size)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say in a sentence why a file can't be read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise TableRefused(_("%(file)s is not UTF-8 text. Save it as UTF-8 and try again.") % _name(path)) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TableRefused(_("%(file)s is damaged: it can't be unpacked. Fetch it again.") % _name(path)) from error
    except csv.Error as error:
        values = _name(path) | {"problem": str(error)}
        raise TableRefused(_("%(file)s is not a CSV table: %(problem)s.") % values) from error
    except OSError as error:
        values = _name(path) | {"problem": error.strerror or str(error)}
        raise TableRefused(_("%(file)s can't be read: %(problem)s.") % values) from error


def _decoded(raw: BufferedReader, path: Path) -> TextIOWrapper:
    is_packed = path.suffix == ".gz"
    return TextIOWrapper(gzip.GzipFile(fileobj=raw) if is_packed else raw, encoding="utf-8-sig", newline="")


def _check_header(header: list[str], path: Path) -> None:
    if not any(header):
        raise TableRefused(_("%(file)s is empty; its first row must name the columns.") % _name(path))
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        values = _name(path) | {"columns": ", ".join(doubled)}
        raise TableRefused(_("%(file)s has columns of the same name: %(columns)s. Rename them.") % values)


def _rows(reader: Iterator[list[str]], header: list[str], path: Path) -> Iterator[Row]:
    with _explained(path):
        for number, values in enumerate(reader, start=FIRST_DATA_ROW):
            if values:
                cells = dict(zip(header, [*values, *[""] * (len(header) - len(values))], strict=False))
                yield Row(number=number, cells=cells, has_right_length=len(values) == len(header))


def _name(path: Path) -> dict[str, str]:
    return {"file": path.name}
