"""Draw the figures of the paper that the coverage model comes from, and say what agrees."""

import csv
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from coverage.reproduction.comparison import Line, lines_of, study_of
from coverage.reproduction.districts import StudyDistrict, real_district, synthetic_district
from coverage.reproduction.figures import figures_of

TABLE = Path("shenzhen_carparks") / "shenzhen_carparks_except_nanshan.csv.gz"
FIGURES = 5


class Command(BaseCommand):
    help = "Draws figures 2, 3, 5, 6 and 7 of the paper, on an invented district and on the real one where it is there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, help="a folder for the pictures and the tables (default: none)")
        parser.add_argument(
            "--data",
            type=Path,
            default=Path(settings.BASE_DIR).parent / "shared" / "data",
            help="the folder that may hold shenzhen_carparks",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        output: Path | None = options["output"]
        if output is not None:
            self._make(output)
        table: Path = options["data"] / TABLE
        districts = [synthetic_district()]
        if table.exists():
            districts.append(real_district(table))
        else:
            self.stderr.write(_("The real district is left out: %(table)s is not there.") % {"table": table})
        for district in districts:
            self._one(district, output)

    def _one(self, district: StudyDistrict, output: Path | None) -> None:
        study = study_of(district)
        lines = lines_of(study)
        self.stdout.write(f"\n{district.name}")
        for line in lines:
            mark = {None: " ", True: "=", False: "!"}[line.agrees]
            self.stdout.write(f"  {mark} {line.what}: {line.paper} | {line.ours}")
        if output is None:
            return
        _write(lines, output / f"{district.name}-comparison.csv")
        with tqdm(total=FIGURES, file=sys.stderr, disable=None, leave=False) as bar:
            for name, png in figures_of(study):
                (output / f"{district.name}-{name}.png").write_bytes(png)
                bar.update()

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(
                _("%(folder)s can't be made: %(why)s.") % {"folder": folder, "why": error.strerror}
            ) from error


def _write(lines: list[Line], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["statement", "paper", "ours", "agrees"])
        for line in lines:
            agrees = "" if line.agrees is None else str(line.agrees).lower()
            writer.writerow([line.what, line.paper, line.ours, agrees])
