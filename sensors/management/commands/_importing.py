"""What the commands that take in files share: progress, telling of refused rows, and the summary."""

import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from parking_share import clock
from parking_share.errors import DomainError
from parking_share.spaces.places import validate_zone
from parking_share.spaces.tables import Table, open_table
from sensors.import_runs import Problem, TakeBatch, Tally, fingerprint_of, go_through, run_of
from sensors.models import ImportRun


def zone(name: str) -> str:
    """The name of a time zone, for an option."""
    try:
        validate_zone(name)
    except ValidationError as error:
        raise ArgumentTypeError(error.messages[0]) from error
    return name


class ImportCommand(BaseCommand):
    """Takes in one file. A subclass says what its rows mean."""

    kind = ""
    example = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"formatter_class": RawDescriptionHelpFormatter, "epilog": f"example:\n{self.example}"}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV or CSV.gz, UTF-8; its first row names the columns")
        parser.add_argument("--time-zone", type=zone, help="of times without an offset (the lot's own)")
        parser.add_argument("--source", default="", help="keeps keys of different tables apart")
        parser.add_argument("--tell", type=int, default=20, help="refused rows of each kind to show (%(default)s)")

    def take_from(self, table: Table, options: dict[str, Any]) -> tuple[TakeBatch, list[str]]:
        """Check the options against the table; return what takes a batch, and what its outcome depends on."""
        raise NotImplementedError

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            with open_table(options["file"]) as table:
                take, depends_on = self.take_from(table, options)
                fingerprint = fingerprint_of(options["file"], [self.kind, *depends_on])
                name = options["file"].name
                with run_of(kind=self.kind, fingerprint=fingerprint, file_name=name, now=clock.now()) as run:
                    tally = self._go_through(table, run, take, most_told=options["tell"])
        except DomainError as refusal:
            raise CommandError(refusal.sentence) from refusal
        self.stdout.write("\n".join(report(tally)))

    def _go_through(self, table: Table, run: ImportRun, take: TakeBatch, *, most_told: int) -> Tally:
        if run.rows_done:
            self.stderr.write(_("Going on after row %(n)s, where it was interrupted.") % {"n": run.rows_done + 1})
        with tqdm(total=table.size, file=sys.stderr, disable=None, unit="B", unit_scale=True, leave=False) as bar:
            return go_through(
                table.rows,
                run=run,
                take=take,
                on_problem=self._teller(most_told),
                on_batch=lambda _rows: bar.update(table.bytes_read - bar.n),
                clock=clock.now,
            )

    def _teller(self, most_told: int) -> Callable[[Problem], None]:
        """Tell of the first refused rows of each kind; the others are counted in the summary."""
        told: Counter[str] = Counter()

        def tell(problem: Problem) -> None:
            told[problem.code] += 1
            if told[problem.code] <= most_told:
                values = {"row": problem.row_number, "field": problem.field or "-", "sentence": problem.sentence}
                with tqdm.external_write_mode(file=sys.stderr):
                    self.stderr.write(_("Row %(row)s, %(field)s: %(sentence)s") % values)
            elif told[problem.code] == most_told + 1:
                values = {"code": problem.code, "n": most_told}
                self.stderr.write(_("… more rows are refused as %(code)s; --tell shows more than %(n)s.") % values)

        return tell


def report(tally: Tally) -> Iterable[str]:
    """One line of counts, and one for each reason of refusal."""
    counts = {
        "rows": tally.rows,
        "taken": tally.taken,
        "known": tally.known,
        "left_out": tally.left_out,
        "refused": sum(tally.refused.values()),
    }
    yield _("%(rows)s rows: %(taken)s taken, %(known)s known, %(left_out)s left out, %(refused)s refused.") % counts
    for code, count in tally.refused.most_common():
        yield f"  {code}: {count}"
