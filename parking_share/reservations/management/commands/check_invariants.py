from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from parking_share import clock
from parking_share.reservations.invariants import Invariant, check_invariants

SHOWN_ROWS = 20


class Command(BaseCommand):
    help = "Look in the database for broken promises; exit with 1 and print the rows where there are any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days", type=int, default=7, help="how many days back a bay announced too late is still reported"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        now = clock.now()
        found = check_invariants(now=now, since=now - timedelta(days=options["days"]))
        width = max(len(invariant.name) for invariant in found)
        for invariant in found:
            verdict = f"{len(invariant.rows)} rows" if invariant.rows else "holds"
            self.stdout.write(f"{invariant.name:<{width}}  {verdict}")
        broken = [invariant for invariant in found if invariant.rows]
        for invariant in broken:
            self._show(invariant)
        if broken:
            raise SystemExit(1)

    def _show(self, invariant: Invariant) -> None:
        self.stdout.write(f"\n{invariant.name}\n  {' | '.join(invariant.columns)}")
        for row in invariant.rows[:SHOWN_ROWS]:
            self.stdout.write(f"  {' | '.join(map(str, row))}")
        if len(invariant.rows) > SHOWN_ROWS:
            self.stdout.write(f"  … and {len(invariant.rows) - SHOWN_ROWS} more")
