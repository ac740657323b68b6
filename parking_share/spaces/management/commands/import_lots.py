"""Import lots from a CSV file."""

import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from parking_share.errors import DomainError
from parking_share.spaces.datum import Datum
from parking_share.spaces.import_rows import FIELDS, Source
from parking_share.spaces.imports import Problem, Summary, check_source, import_lots
from parking_share.spaces.models import LandUse
from parking_share.spaces.places import validate_zone
from parking_share.spaces.tables import Table, open_table

EXAMPLE = """
  manage.py import_lots carparks.csv.gz --datum wgs84 --city Singapore --district HDB --land-use RESIDENTIAL \\
    --time-zone Asia/Singapore --columns name=address,latitude=lat_wgs84,longitude=lon_wgs84,source_key=car_park_no
"""


def pairs(text: str) -> dict[str, str]:
    """`a=b,c=d` as a mapping."""
    found = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    if len(found) != len(text.split(",")):
        raise ArgumentTypeError(_("Write pairs as name=column, separated by commas, none twice; not “%s”.") % text)
    return {key.strip(): value.strip() for key, value in found.items()}


class Command(BaseCommand):
    help = "Imports lots from a CSV or CSV.gz file (UTF-8). A second run changes nothing."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"formatter_class": RawDescriptionHelpFormatter, "epilog": f"example:{EXAMPLE}"}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--datum", required=True, choices=list(Datum), help="what the positions are; no default")
        parser.add_argument(
            "--columns", required=True, type=pairs, help=f"field=column,…; the fields are {', '.join(FIELDS)}"
        )
        parser.add_argument("--source", help="keeps keys of different tables apart (default: the file's name)")
        parser.add_argument("--city", default="")
        parser.add_argument("--district", default="", help="where the table does not say")
        parser.add_argument("--time-zone", default="Asia/Shanghai", help="default: %(default)s")
        parser.add_argument("--land-use", choices=LandUse.values, help="where the table does not say")
        parser.add_argument("--land-use-values", type=pairs, default={}, help="the table's word=land use,…")
        parser.add_argument("--access-class", default="", help="default: that of the land use")
        parser.add_argument("--dry-run", action="store_true", help="check everything, change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        source = _source(options)
        try:
            with open_table(options["file"]) as table:
                check_source(source, table.header)
                summary = self._import(table, source, dry_run=options["dry_run"])
        except DomainError as refusal:
            raise CommandError(refusal.sentence) from refusal
        self.stdout.write(_report(summary, dry_run=options["dry_run"]))

    def _import(self, table: Table, source: Source, *, dry_run: bool) -> Summary:
        with tqdm(total=table.size, file=sys.stderr, disable=None, unit="B", unit_scale=True, leave=False) as bar:
            return import_lots(
                table.rows,
                source=source,
                dry_run=dry_run,
                on_problem=self._tell,
                on_batch=_follow(bar, table),
            )

    def _tell(self, problem: Problem) -> None:
        values = {"row": problem.row_number, "field": problem.field or "-", "sentence": problem.sentence}
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(_("Row %(row)s, %(field)s: %(sentence)s") % values)


def _follow(bar: "tqdm[Any]", table: Table) -> Callable[[int], object]:
    return lambda _rows: bar.update(table.bytes_read - bar.n)


def _source(options: dict[str, Any]) -> Source:
    try:
        validate_zone(options["time_zone"])
    except ValidationError as error:
        raise CommandError(error.messages[0]) from error
    strange = sorted(set(options["land_use_values"].values()) - set(LandUse.values))
    if strange:
        values = {"names": ", ".join(strange), "known": ", ".join(LandUse.values)}
        raise CommandError(_("There is no land use %(names)s. Known are %(known)s.") % values)
    return Source(
        name=options["source"] or options["file"].name.split(".")[0],
        datum=Datum(options["datum"]),
        columns=options["columns"],
        city=options["city"],
        district=options["district"],
        time_zone=options["time_zone"],
        land_use=LandUse(options["land_use"]) if options["land_use"] else None,
        land_uses={word: LandUse(name) for word, name in options["land_use_values"].items()},
        access_class=options["access_class"],
    )


def _report(summary: Summary, *, dry_run: bool) -> str:
    """One line of counts, and one for each reason of refusal."""
    counts = {
        "created": summary.created,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "refused": sum(summary.refused.values()),
    }
    done = _("%(created)s created, %(changed)s changed, %(unchanged)s unchanged, %(refused)s refused.") % counts
    lines = [_("Dry run, nothing was changed: %s") % done if dry_run else done]
    lines += [f"  {code}: {count}" for code, count in summary.refused.most_common()]
    return "\n".join(lines)
