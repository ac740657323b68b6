"""Let the demo city live: a day of cars, gates, sensors and people, through the site's own endpoints."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from tqdm import tqdm

from parking_share import clock
from parking_share.demo import seeding
from parking_share.demo.simulation.city import City, Plan
from parking_share.demo.simulation.conduct import Faults
from parking_share.demo.simulation.wire import wait_for_site
from parking_share.demo.stays import ReplayRefused
from parking_share.errors import DomainError
from parking_share.reservations.states import HOLDS_A_SPACE
from parking_share.spaces.models import Lot


class Command(BaseCommand):
    help = (
        "Drives the demo city through the site's real endpoints: gate pushes, bay sensors, bookings; with lost, "
        "doubled and late messages, overstays, no-shows, dead sensors. The clock of the site must run as fast: start "
        "the site with CLOCK_SPEED."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", default="http://127.0.0.1:8000")
        parser.add_argument("--speed", type=float, help="times real time; default: that of the site's clock")
        parser.add_argument("--hours", type=float, default=24, help="of the platform's time; 0: until stopped")
        parser.add_argument("--lots", type=int, default=40, help="how many lots get cameras (default: %(default)s)")
        parser.add_argument("--sensor-lots", type=int, default=12, help="how many of them get bay sensors, too")
        parser.add_argument("--bookings", type=float, default=20, help="requests in the busiest hour")
        parser.add_argument("--faults", choices=["all", "none"], default="all")
        parser.add_argument("--records", type=Path, help="folder with real records to replay, as test data has them")
        parser.add_argument("--patience", type=float, default=60, help="seconds to wait for the site to answer")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            seeding.refuse_in_production()
            wait_for_site(options["site"], patience_s=options["patience"])
            city = City(_plan(options), clock=clock.now, speed=_speed(options["speed"]))
            self._live(city, hours=options["hours"])
        except KeyboardInterrupt:
            self.stderr.write(_("Stopped."))
        except DomainError as refusal:
            raise CommandError(refusal.sentence) from refusal

    def _live(self, city: City, *, hours: float) -> None:
        until = clock.now() + timedelta(hours=hours) if hours else None
        minutes = round(hours * 60) if hours else None
        try:
            with tqdm(total=minutes, unit=" min", file=sys.stderr, disable=None, leave=False) as bar:
                city.begin()
                city.live(until=until, tick=lambda passed: bar.update(passed.total_seconds() / 60))
        finally:
            self._report(city)

    def _report(self, city: City) -> None:
        counts = city.wire
        values = {"sent": counts.sent, "lost": counts.lost, "doubled": counts.doubled, "delayed": counts.delayed}
        self.stdout.write(
            _("Messages: %(sent)s sent, %(lost)s lost, %(doubled)s doubled, %(delayed)s delayed.") % values
        )
        for status, number in sorted(counts.by_status.items()):
            self.stdout.write(f"  HTTP {status}: {number}")
        for what, number in sorted(city.happened.items()):
            self.stdout.write(f"  {what}: {number}")


def _speed(wanted: float | None) -> float:
    if wanted is not None and wanted != settings.CLOCK_SPEED:
        sentence = _(
            "The clock of this installation runs at %(is)s times real time, not %(wanted)s: set CLOCK_SPEED=%(wanted)s "
            "for all its processes, for example CLOCK_SPEED=%(wanted)s ./run demo."
        )
        raise ReplayRefused(sentence % {"is": f"{settings.CLOCK_SPEED:g}", "wanted": f"{wanted:g}"})
    return float(settings.CLOCK_SPEED)


def _plan(options: dict[str, Any]) -> Plan:
    lots = _busiest_lots(options["lots"])
    if not lots:
        raise ReplayRefused(_("There are no lots with gates. Build the demo city first: manage.py seed_demo."))
    return Plan(
        site=options["site"],
        lots=lots,
        lots_with_bay_sensors=lots[: options["sensor_lots"]],
        faults=Faults() if options["faults"] == "all" else Faults.none(),
        bookings_an_hour=options["bookings"],
        seed=options["seed"],
        records=options["records"],
    )


def _busiest_lots(most: int) -> list[Lot]:
    """Lots with gates, those with most reservations in the coming day first."""
    now = clock.now()
    soon = Q(reservations__starts_at__range=(now, now + timedelta(days=1)), reservations__status__in=HOLDS_A_SPACE)
    lots = Lot.objects.filter(is_open=True, gates__isnull=False).annotate(
        coming=Count("reservations", filter=soon, distinct=True)
    )
    return list(lots.order_by("-coming", "pk")[:most])
