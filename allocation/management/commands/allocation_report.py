from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from allocation.history import RecordedDay, recorded_week
from allocation.laboratory import uploaded_day
from allocation.laboratory_report import lines_of, table_of, write_report
from allocation.laboratory_results import Comparison
from allocation.laboratory_steps import STEPS, take_step
from parking_share import clock
from parking_share.errors import DomainError
from parking_share.spaces.models import Lot

BUDGET_S = 3600.0


class Command(BaseCommand):
    help = (
        "Compares all policies on a past week of a lot, or on an instance file, and writes tables as CSV and pictures "
        "as SVG, as the laboratory's pages do. Nothing is kept in the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--lot", type=int, help="number of the lot")
        what.add_argument("--instance", type=Path, help="instance file, as of python -m allocation.engine")
        parser.add_argument("--week", type=date.fromisoformat, help="first day (the last whole week that is over)")
        parser.add_argument("--output", type=Path, required=True, help="folder for CSV and SVG files")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            lot, days = self._days(options)
        except DomainError as refusal:
            raise CommandError(refusal.sentence) from refusal
        folder: Path = options["output"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{folder}: cannot be made ({error.strerror}).") from error
        todo = [(number, name) for number in range(len(days)) for name in STEPS]
        shown = tqdm(todo, unit="step", file=self.stderr, disable=None)
        steps = {(number, name): take_step(days[number], name, seconds=BUDGET_S) for number, name in shown}
        comparison = Comparison(days=days, numbers=list(range(len(days))), steps=steps, zone=lot.zone if lot else None)
        for line in lines_of([table_of(comparison, "policies")]):
            self.stdout.write(line)
        for path in write_report(comparison, folder):
            self.stdout.write(str(path))

    def _days(self, options: dict[str, Any]) -> tuple[Lot | None, list[RecordedDay]]:
        if options["instance"] is not None:
            try:
                return None, [uploaded_day(options["instance"].read_bytes())]
            except OSError as error:
                raise CommandError(f"{options['instance']}: cannot be read ({error.strerror}).") from error
        lot = Lot.objects.select_related("district").filter(pk=options["lot"]).first()
        if lot is None:
            raise CommandError(f"There is no lot {options['lot']}.")
        today = clock.now().astimezone(lot.zone).date()
        week: date = options["week"] or today - timedelta(days=8)
        return lot, recorded_week(lot, first_date=week)
