from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from allocation.reproduction.records import source_in
from allocation.reproduction.report import tables_of, write_report
from allocation.reproduction.study import run_study

RECORDS = Path("..") / "shared" / "data"
COMPARED = (
    *(("fcfs", measure) for measure in ("accepted", "utilisation", "revenue", "fragmentation")),
    *(("decision_only", measure) for measure in ("utilisation", "revenue", "fragmentation")),
)


def at_least_two(text: str) -> int:
    if not text.isdigit() or int(text) < 2:
        raise ArgumentTypeError("an interval needs at least 2 days.")
    return int(text)


class Command(BaseCommand):
    help = (
        "Repeats figure 2 and tables 1 to 3 of the paper on seeded days of its size, beside the printed numbers. "
        "Days that the output folder holds already are not simulated again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--instances", type=at_least_two, default=100, help="how many days (%(default)s)")
        parser.add_argument("--output", type=Path, help="folder for CSV and SVG files, and for what was simulated")
        records = parser.add_mutually_exclusive_group()
        records.add_argument(
            "--records", type=Path, help="folder with the real records; without one, ../shared/data if it is there"
        )
        records.add_argument("--drawn", action="store_true", help="use the generator's own importance and stays")

    def handle(self, *_args: Any, **options: Any) -> None:
        folder: Path | None = options["output"]
        source = source_in(None if options["drawn"] else _records(options["records"]))
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CommandError(f"{folder}: cannot be made ({error.strerror}).") from error
        self.stdout.write(f"{options['instances']} days: {source.sentence}.")
        with tqdm(total=options["instances"], unit="day", file=self.stderr, disable=None) as bar:
            study = run_study(
                source,
                days=options["instances"],
                kept_in=folder / "days.jsonl" if folder else None,
                progress=lambda done: bar.update(done - bar.n),
            )
        for table in tables_of(study):
            self.stdout.write(f"\n{table.title}\n\n{table.as_markdown()}")
        self.stdout.write("\nTwo-stage against another, day by day:")
        for rival, measure in COMPARED:
            mean, half_width = study.changes("two_stage", rival, measure)
            self.stdout.write(f"  {measure} less {rival}'s: {round(mean, 6) + 0.0:+.2%} ± {half_width:.2%}")
        for path in write_report(study, folder) if folder else ():
            self.stdout.write(str(path))


def _records(named: Path | None) -> Path | None:
    """The folder that was named, or the usual one; a named one must be there."""
    if named is not None and not named.is_dir():
        raise CommandError(f"{named}: there is no such folder.")
    usual = settings.BASE_DIR / RECORDS
    return named if named is not None else usual if usual.is_dir() else None
