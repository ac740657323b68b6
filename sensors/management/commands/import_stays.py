"""Import stays from entry and exit records in a CSV file."""

from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from parking_share import clock
from parking_share.spaces.management.commands.import_lots import pairs
from parking_share.spaces.tables import Table
from sensors.import_runs import TakeBatch, check_columns
from sensors.management.commands._importing import ImportCommand
from sensors.occupancy_imports import lot_of_all
from sensors.stay_imports import FIELDS, StayLayout, take_stays

PRESETS = {"baihui": {"key": "event_id", "arrival": "arrival", "departure": "departure"}}


def columns(text: str) -> dict[str, str]:
    return PRESETS.get(text) or pairs(text)


class Command(ImportCommand):
    help = "Imports stays of cars, one row each. A second run adds nothing; after a break it goes on where it was."
    kind = "stays"
    example = """
  manage.py import_stays visits.csv.gz --columns baihui --lot 17 --time-zone Asia/Shanghai
  manage.py import_stays visits.csv --columns arrival=in,departure=out,key=ticket --lot 17
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        known = f"{', '.join(PRESETS)}; or field=column,… with the fields {', '.join(FIELDS)}"
        parser.add_argument("--columns", type=columns, default=PRESETS["baihui"], help=known)
        parser.add_argument("--lot", type=int, required=True, help="id of the lot that all rows are of")

    def take_from(self, table: Table, options: dict[str, Any]) -> tuple[TakeBatch, list[str]]:
        check_columns(options["columns"], table.header, fields=FIELDS, required=("arrival", "departure"))
        chosen = StayLayout(
            columns=options["columns"],
            time_zone=options["time_zone"] or "",
            source=options["source"] or options["file"].name.split(".")[0],
        )
        lot = lot_of_all(options["lot"])
        return partial(take_stays, layout=chosen, lot=lot, now=clock.now()), [repr(chosen), str(lot.pk)]
