"""Import how full lots were from a CSV file."""

from dataclasses import replace
from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from parking_share import clock
from parking_share.spaces.management.commands.import_lots import pairs
from parking_share.spaces.tables import Table
from sensors.import_runs import TakeBatch
from sensors.layouts import FIELDS, PRESETS, SLOT_MINUTES, Layout, check_layout
from sensors.management.commands._importing import ImportCommand
from sensors.occupancy_imports import lot_of_all, take_occupancy


def layout(text: str) -> Layout:
    """A layout by its name, or made of `field=column,…`."""
    return PRESETS.get(text) or Layout(columns=pairs(text))


class Command(ImportCommand):
    help = "Imports how full lots were into quarters of an hour. A second run adds nothing; after a break it goes on."
    kind = "occupancy"
    example = """
  manage.py import_occupancy vacancy.csv.gz --columns klcc --lot 17
  manage.py import_occupancy counts.csv --columns lot=site,at=time,occupied=cars,total=bays --source sites \\
    --time-zone Europe/Berlin --minutes 30
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        known = f"{', '.join(PRESETS)}; or field=column,… with the fields {', '.join(FIELDS)}"
        parser.add_argument("--columns", type=layout, required=True, help=known)
        parser.add_argument("--lot", type=int, help="id of the lot that all rows are of")
        parser.add_argument("--minutes", type=int, help=f"that each row stands for, from its slot on ({SLOT_MINUTES})")
        parser.add_argument("--only", type=pairs, help="column=value,…: leave out rows with other values")
        parser.add_argument("--words", help="words of a display, separated by commas, beside FULL, OPEN and their like")

    def take_from(self, table: Table, options: dict[str, Any]) -> tuple[TakeBatch, list[str]]:
        chosen = _with_options(options["columns"], options)
        check_layout(chosen, table.header, names_its_lot=options["lot"] is not None)
        lot = None if options["lot"] is None else lot_of_all(options["lot"])
        take = partial(take_occupancy, layout=chosen, lot=lot, now=clock.now())
        return take, [repr(replace(chosen, words=frozenset())), *sorted(chosen.words), str(options["lot"])]


def _with_options(chosen: Layout, options: dict[str, Any]) -> Layout:
    """The layout, with what was said on the command line instead."""
    said = {name: options[name] for name in ("time_zone", "source", "minutes", "only") if options[name]}
    words = {word.strip().upper() for word in (options["words"] or "").split(",") if word.strip()}
    return replace(chosen, words=chosen.words | words, **said)
