"""A person closes what is open: incidents and discrepancies, with a note, once."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.fulfilment.models import Discrepancy, Incident

SHORTEST_NOTE, LONGEST_NOTE = 3, 200


class ClosingRefused(DomainError):
    code = "closing_refused"


def close_incident(*, incident_id: int, actor: User, note: str, now: datetime) -> None:
    """Close an incident; what was done for the driver stays as it is."""
    _close(Incident.objects.filter(pk=incident_id), note, closed_by=actor, closed_at=now)


def close_discrepancy(*, discrepancy_id: int, actor: User, note: str, now: datetime) -> None:
    """Settle a discrepancy by hand. The sensor may open another one if it goes on disagreeing."""
    rows = Discrepancy.objects.filter(pk=discrepancy_id)
    _close(rows, note, closed_by=actor, closed_at=now, outcome=Discrepancy.Outcome.STAFF)


def _close(rows: QuerySet[Any], note: str, **values: Any) -> None:
    """One row changed means that it was still open."""
    said = " ".join(note.split())
    if not SHORTEST_NOTE <= len(said) <= LONGEST_NOTE:
        raise ClosingRefused(_("Say in a few words what was done, in at most 200 characters."))
    if not rows.filter(closed_at__isnull=True).update(note=said, **values):
        raise ClosingRefused(_("This is closed already."))
