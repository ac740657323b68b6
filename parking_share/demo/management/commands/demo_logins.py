"""Print the demo city's log-ins."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from parking_share import clock
from parking_share.demo import logins


class Command(BaseCommand):
    help = "Prints one log-in for each role, and what there is to look at."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not logins.are_there():
            raise CommandError(_("The demo city is not there; `manage.py seed_demo` builds it."))
        for login in logins.all_logins(now=clock.now()):
            self.stdout.write(f"{login.role:<10}  {login.email:<20}  {login.password}  {login.look_at}")
