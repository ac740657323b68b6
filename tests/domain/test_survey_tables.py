"""Reading tables as people save them; a broken row costs itself only."""

import io

import pytest
from django.utils import translation

from surveys.tabular import read_header, read_rows
from tests.factories import NOW
from tests.survey_tables import rows_of, workbook


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def faults(text) -> list[str]:
    file = io.BytesIO(text.encode())
    return [row.fault for row in read_rows(file, columns=len(read_header(file)))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_are_read_as_spreadsheets_save_them(encoding, delimiter):
    text = delimiter.join(["编号", "意见"]) + "\r\n" + delimiter.join(["1", '"停车,难;\n很""难"""']) + "\r\n\r\n"

    assert rows_of(text.encode(encoding)) == [["1", '停车,难;\n很"难"']]


def test_workbooks_are_read_as_one_would_type_their_cells():
    content = workbook(
        [["a", "b", "c", "d"], [1.0, 2.5, NOW.replace(tzinfo=None, hour=0), None], [], [True, "x", "", 3]]
    )

    assert rows_of(content) == [["1", "2.5", "2026-11-23", ""], ["True", "x", "", "3"]]


def test_a_quote_that_is_never_closed_breaks_its_own_row_only():
    text = 'a,b\n1,"x"\n2,"broken\n3,"y"\n4,z\n'

    assert rows_of(text) == [["1", "x"], ['2,"broken', ""], ["3", "y"], ["4", "z"]]
    assert faults(text) == ["", "The quotes of this row don't match.", "", ""]


def test_rows_of_the_wrong_length_are_told():
    assert faults("a,b\n1\n1,2,\n1,2,3\n") == ["", "", "There are more cells than columns."]


def test_a_formula_in_a_workbook_is_told():
    file = io.BytesIO(workbook([["a", "b"], ["=1+1", 2]]))

    assert [row.fault for row in read_rows(file, columns=2)] == [
        "A cell of this row holds a formula. Save values instead of formulas."
    ]
