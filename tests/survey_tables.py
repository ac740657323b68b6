"""Tables for tests of surveys: what a reader finds in them, and workbooks made of rows."""

import io

from openpyxl import Workbook

from surveys.tabular import read_header, read_rows


def rows_of(text) -> list[list[str]]:
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    return [list(row.cells) for row in read_rows(file, columns=len(read_header(file)))]


def workbook(*sheets: list[list[object]]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    book.save(file)
    return file.getvalue()
