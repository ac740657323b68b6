"""Half-open periods as PostgreSQL ranges, for constraints and queries."""

from typing import Any

from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary
from django.db.models import F, Func, Value


class TsTzRange(Func):
    """`tstzrange(start, end, '[)')` over two columns."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


def period(start: str, end: str) -> TsTzRange:
    """The half-open period between two columns of a row."""
    return TsTzRange(F(start), F(end), RangeBoundary())


def literal_period(start: Any, end: Any) -> TsTzRange:
    """The half-open period between two instants."""
    return TsTzRange(Value(start), Value(end), RangeBoundary())
