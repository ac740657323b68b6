"""How a table of other people says how full lots were: which column means what, and what holds for all of its rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from sensors.import_runs import ImportRefused, check_columns
from sensors.slots import SLOT

FIELDS = ("lot", "at", "occupied", "vacancy", "available", "total", "state")
NUMBERS = ("occupied", "vacancy", "available")
WORDS = frozenset(
    {"FULL", "OPEN", "CLOSED", "CLOSE", "SPACES", "ALMOST FULL", "满", "满位", "已满", "有位", "空", "关闭"}
)
SLOT_MINUTES = int(SLOT.total_seconds() // 60)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the columns mean, and what holds for all rows.

    `columns` names the column of each field; `time_zone` is that of times without an offset (empty: the lot's own);
    `source` is the source under which the lots were imported; each row stands for `minutes`, from its slot on; of a
    column in `only`, other values are left out; `words` are told instead of a number.
    """

    columns: Mapping[str, str]
    time_zone: str = ""
    source: str = ""
    minutes: int = SLOT_MINUTES
    only: Mapping[str, str] = field(default_factory=dict)
    words: frozenset[str] = WORDS


PRESETS: Mapping[str, Layout] = {
    "klcc": Layout(
        columns={"lot": "lot", "at": "timestamp", "vacancy": "vacancy"}, time_zone="Asia/Kuala_Lumpur", source="klcc"
    ),
    "birmingham": Layout(
        columns={"lot": "SystemCodeNumber", "at": "LastUpdated", "occupied": "Occupancy", "total": "Capacity"},
        time_zone="Europe/London",
        source="birmingham",
        minutes=30,
    ),
    "germany": Layout(
        columns={"lot": "lot_no", "at": "timestamp_utc", "vacancy": "free"},
        time_zone="UTC",
        source="germany_lots_2021-09_2021-10",
        minutes=30,
    ),
    "singapore-snapshot": Layout(
        columns={
            "lot": "car_park_no",
            "at": "update_datetime",
            "available": "lots_available",
            "total": "total_lots",
        },
        time_zone="Asia/Singapore",
        source="hdb_carparks",
        only={"lot_type": "C"},
    ),
    "singapore-hourly": Layout(
        columns={
            "lot": "carpark_number",
            "at": "timestamp",
            "available": "lots_available",
            "total": "total_lots",
        },
        time_zone="Asia/Singapore",
        source="hdb_carparks",
        minutes=60,
    ),
}


def check_layout(layout: Layout, header: Iterable[str], *, names_its_lot: bool) -> None:
    """Refuse a layout that does not fit the table, before anything is read."""
    required = ["at"] if names_its_lot else ["at", "lot"]
    filters = {f"only {column}": column for column in layout.only}
    check_columns({**layout.columns, **filters}, header, fields=[*FIELDS, *filters], required=required)
    if sum(name in layout.columns for name in NUMBERS) != 1:
        values = {"fields": ", ".join(NUMBERS)}
        raise ImportRefused(_("Name the column of exactly one of %(fields)s in --columns.") % values)
    if layout.minutes < SLOT_MINUTES or layout.minutes % SLOT_MINUTES or layout.minutes > 24 * 60:
        raise ImportRefused(
            _("A row stands for 15, 30, 45 … minutes, at most a day; not for %(n)s.") % {"n": layout.minutes}
        )
