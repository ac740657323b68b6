"""Take in the outline of a city."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from coverage.outlines import keep_outline, read_outline
from parking_share import clock
from parking_share.errors import DomainError
from parking_share.spaces.datum import Datum
from parking_share.spaces.models import District


class Command(BaseCommand):
    help = "Reads a GeoJSON polygon and makes it the ground that a city's coverage is drawn on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="GeoJSON: a polygon, a multipolygon, or features of them")
        parser.add_argument("--city", required=True, help="as it is written at the city's districts")
        parser.add_argument("--datum", required=True, choices=[datum.value for datum in Datum])
        parser.add_argument("--source", default="", help="where the outline comes from, for the record")

    def handle(self, *_args: Any, **options: Any) -> None:
        datum, city = Datum(options["datum"]), options["city"]
        try:
            outline = read_outline(options["file"], datum=datum)
            kept = keep_outline(
                city=city,
                outline=outline,
                datum=datum,
                source=options["source"] or options["file"].name,
                now=clock.now(),
            )
        except DomainError as refusal:
            raise CommandError(refusal.sentence) from refusal
        if not District.objects.filter(city=city).exists():
            self.stderr.write(
                _("No district belongs to %(city)s yet; the outline waits for its lots.") % {"city": city}
            )
        if kept is None:
            self.stdout.write(_("This is the outline of %(city)s already.") % {"city": city})
        else:
            self.stdout.write(_("The outline of %(city)s is taken in; the next picture uses it.") % {"city": city})
