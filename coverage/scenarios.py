"""What-ifs that somebody gave a name: found again by a link, kept for a stated time, computed afresh when looked at."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from coverage.changes import Change, ChangeRefused
from coverage.models import Scenario
from parking_share.accounts.models import User

KEPT = timedelta(days=90)
LINK_BYTES = 32


def scenarios_of(cities: Collection[str], *, now: datetime) -> QuerySet[Scenario]:
    """The scenarios of these cities that have not ended, the newest first."""
    rows = Scenario.objects.filter(city__in=cities, expires_at__gt=now)
    return rows.select_related("made_by").order_by("-made_at", "-pk")


def save_scenario(*, city: str, name: str, changes: Sequence[Change], made_by: User, now: datetime) -> Scenario:
    """Keep a what-if under a name and a link that nobody can guess."""
    if not changes:
        raise ChangeRefused(_("There is nothing to name yet: add a change first."))
    return Scenario.objects.create(
        city=city,
        name=name,
        link=secrets.token_urlsafe(LINK_BYTES),
        changes=[change.text for change in changes],
        made_by=made_by,
        made_at=now,
        expires_at=now + KEPT,
    )


def prolong_scenario(scenario: Scenario, *, now: datetime) -> None:
    """Keep it for another 90 days from now."""
    Scenario.objects.filter(pk=scenario.pk).update(expires_at=now + KEPT)


def delete_scenario(scenario: Scenario) -> None:
    Scenario.objects.filter(pk=scenario.pk).delete()


def forget_scenarios(*, now: datetime) -> int:
    """Delete the scenarios that have ended; return how many."""
    return Scenario.objects.filter(expires_at__lte=now).delete()[0]
