"""A person closes what is open (incidents, discrepancies) or settles what is owed, with a note, once."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from parking_share.accounts.free_text import without_plates
from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.fulfilment.models import BrokenPromise, Discrepancy, Incident, Overstay

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


def waive_penalty(*, overstay_id: int, actor: User, note: str, now: datetime) -> None:
    """Let a driver off what an overstay cost, for a reason that is kept; only once the car has gone."""
    said = _said(note)
    over = Overstay.objects.filter(pk=overstay_id, ended_at__isnull=False, penalty_cents__gt=0)
    if not over.filter(waived_at__isnull=True).update(waived_at=now, waived_by=actor, waiver_note=said):
        raise ClosingRefused(_("There is nothing to waive: the car is still there, or nothing is owed."))


def settle_promise(*, broken_id: int, actor: User, note: str, now: datetime) -> None:
    """Write down that the compensation for a broken promise was paid, and how."""
    said = _said(note)
    owed = BrokenPromise.objects.filter(pk=broken_id, settled_at__isnull=True)
    if not owed.update(settled_at=now, settled_by=actor, settlement_note=said):
        raise ClosingRefused(_("This is settled already."))


def _said(note: str) -> str:
    """The note as it is kept: a few words, without plates."""
    said = without_plates(" ".join(note.split()))
    if not SHORTEST_NOTE <= len(said) <= LONGEST_NOTE:
        raise ClosingRefused(_("Say in a few words what was done, in at most 200 characters."))
    return said


def _close(rows: QuerySet[Any], note: str, **values: Any) -> None:
    """One row changed means that it was still open."""
    if not rows.filter(closed_at__isnull=True).update(note=_said(note), **values):
        raise ClosingRefused(_("This is closed already."))
