from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from parking_share import clock
from parking_share.accounts.models import User
from parking_share.accounts.services import issue_api_token


class Command(BaseCommand):
    help = "Make an API token for a person and print it: this once, and never again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("login", metavar="EMAIL", help="e-mail address or phone number of the person")
        parser.add_argument("--name", required=True, help="what the token is for")

    def handle(self, *_args: Any, login: str, name: str, **_options: Any) -> None:
        try:
            user = User.objects.get_by_natural_key(login)
        except User.DoesNotExist as error:
            raise CommandError(f"Nobody signs in as {login}.") from error
        if not user.is_active:
            raise CommandError(f"The account of {login} is closed.")
        self.stdout.write(issue_api_token(user=user, name=name, now=clock.now()))
