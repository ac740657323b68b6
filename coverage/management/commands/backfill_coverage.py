"""Compute pictures of slots that are over."""

import sys
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from coverage import bases, runs, services
from coverage.models import CoverageRun, Mode
from coverage.vacancy import SLOT
from parking_share import clock


class Command(BaseCommand):
    help = "Computes the pictures of past slots that are missing. Interrupted, it goes on where it stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--city", help="default: all")
        parser.add_argument("--since", type=datetime.fromisoformat, help="ISO instant with offset (default: a day ago)")
        parser.add_argument("--until", type=datetime.fromisoformat, help="ISO instant with offset (default: now)")

    def handle(self, *_args: Any, **options: Any) -> None:
        now = clock.now()
        since, until = options["since"] or now - timedelta(days=1), options["until"] or now
        if since.tzinfo is None or until.tzinfo is None:
            raise CommandError(_("Write instants with their offset, for example 2026-11-20T00:00:00+08:00."))
        until = min(until, services.newest_due_slot(now) + SLOT)
        if until <= since:
            raise CommandError(_("There is no slot to compute: the end must lie after the start, and not ahead."))
        cities = [options["city"]] if options["city"] else bases.cities()
        slots = runs.slots_between(services.slot_of(since), until)
        counts = dict.fromkeys(("published", "known", "refused"), 0)
        with tqdm(total=len(slots) * len(cities), file=sys.stderr, disable=None, leave=False) as bar:
            for city in cities:
                for slot_starts_at in slots:
                    counts[self._one(city, slot_starts_at)] += 1
                    bar.update()
        self.stdout.write(
            _("%(published)s computed, %(known)s known already, %(refused)s refused by the checks.") % counts
        )

    def _one(self, city: str, slot_starts_at: datetime) -> str:
        run = runs.compute_slot(city, slot_starts_at=slot_starts_at, now=clock.now(), is_backfill=True)
        if run is not None and run.parameters["mode"] == Mode.NESTED:
            for part_id in run.parts.order_by("number").values_list("pk", flat=True):
                runs.compute_part(part_id, now=clock.now())
        shown = CoverageRun.objects.filter(city=city, slot_starts_at=slot_starts_at)
        if shown.filter(status=CoverageRun.Status.PUBLISHED).exists():
            return "known" if run is None else "published"
        return "refused"
