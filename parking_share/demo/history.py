"""Notices of what happened before anybody signed in: there to be read, but never sent."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, OuterRef, Subquery

from parking_share.notices.models import EventCursor, Notice
from parking_share.notices.services import READER, write_notices
from parking_share.reservations.models import ReservationEvent

UNREAD_FOR = timedelta(days=1)


@transaction.atomic
def tell_of_the_past(*, now: datetime) -> None:
    """Write the notices of all events so far, as if told when they happened; safe to run twice."""
    if EventCursor.objects.filter(reader=READER, next_transaction__gt=0).exists():
        return
    write_notices(now=now)
    happened_at = ReservationEvent.objects.filter(pk=OuterRef("event")).values("happened_at")
    Notice.objects.filter(event__isnull=False).update(created_at=Subquery(happened_at))
    Notice.objects.update(mail_claimed_at=F("created_at"), mailed_at=F("created_at"))
    Notice.objects.filter(created_at__lt=now - UNREAD_FOR).update(read_at=F("created_at"))
