"""Build the demo city."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from tqdm import tqdm

from parking_share import clock
from parking_share.demo import seeding
from parking_share.errors import DomainError


class Command(BaseCommand):
    help = "Builds an invented Chinese district with people, bays and three weeks of reservations; once."

    def handle(self, *_args: Any, **_options: Any) -> None:
        now = clock.now()
        with tqdm(
            total=seeding.ticks(now), file=sys.stderr, disable=None, leave=False, bar_format="{l_bar}{bar}| {elapsed}"
        ) as bar:
            try:
                built = seeding.seed_city(now=now, tick=bar.update)
            except DomainError as refusal:
                raise CommandError(refusal.sentence) from refusal
        self.stdout.write(_("The demo city is built.") if built else _("The demo city is there; nothing was changed."))
