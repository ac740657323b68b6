"""Learn now what the night would: importance, stays and demand of lots."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allocation.learning_nights import learn_demand, learn_lots
from parking_share import clock
from parking_share.spaces.models import Lot


class Command(BaseCommand):
    help = (
        "Learn importance, stays and demand from what happened, for all lots or for one. A second run changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--lot", type=int, help="id of the only lot to learn; an error stops it, for all to see")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["lot"] is None:
            self._learn_all()
            return
        lots = list(Lot.objects.filter(pk=options["lot"]).select_related("district"))
        if not lots:
            raise CommandError(f"There is no lot {options['lot']}.")
        self.stdout.write(f"{lots[0]}: {learn_lots(lots, now=clock.now())} new versions")

    def _learn_all(self) -> None:
        now, last = clock.now(), learn_demand(now=clock.now())
        while last is not None:
            self.stdout.write(f"learnt up to lot {last}")
            last = learn_demand(now=now, after_lot_id=last)
