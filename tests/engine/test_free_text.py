"""Plates in notes are masked, whatever stands between their signs; words and numbers stay."""

import pytest

from parking_share.accounts.free_text import without_plates


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("粤B12345 blocked the lane", "粤B••345 blocked the lane"),
        ("车主粤B·12345已联系", "车主粤B••345已联系"),
        ("粤 b 1 2 3 4 5", "粤B••345"),
        ("粤ＡＤ１２３４５", "粤A•••345"),
        ("粤 A D 1 2 3 4 5 left", "粤A•••345 left"),
        ("粤AD12345、京A88888", "粤A•••345、京A••888"),
        ("粤Z1234港", "粤Z••34港"),
    ],
)
def test_plate_is_masked(typed, kept):
    assert without_plates(typed) == kept


@pytest.mark.parametrize(
    "typed", ["Ambulance", "The gate was stuck at 12:30, bay A12.", "川A区 gate", "湘菜馆 A 座 101", ""]
)
def test_what_is_no_plate_stays(typed):
    assert without_plates(typed) == typed
