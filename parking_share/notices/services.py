"""Telling people what happened to their reservations: in the page, and by e-mail."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from django.core.mail import send_mail
from django.db import connection, transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import translation

from parking_share.accounts.models import User
from parking_share.notices.models import EventCursor, Notice
from parking_share.notices.words import sentences_of
from parking_share.reservations.models import Reservation, ReservationEvent
from parking_share.reservations.states import Reason, Status

READER = "notices"
WORTH_TELLING = [Status.ACCEPTED, Status.DECLINED, Status.ASSIGNED, Status.EXPIRED, Status.RELEASED]
TOLD_WITH_AN_OFFER = {Reason.SPACE_LOST, Reason.REPLACEMENT}
MAIL_RETRY_AFTER = timedelta(minutes=10)

log = structlog.get_logger(__name__)


@transaction.atomic
def write_notices(*, now: datetime) -> int:
    """Turn the reservation events since the last call into notices; return how many.

    Events are read in the order of their transactions, and only below the oldest one that still runs: an event that is
    committed late can't be overtaken. The cursor's row is locked, so two readers take turns; a notice is unique.
    """
    cursor = _locked_cursor()
    oldest_running = _oldest_running_transaction()
    if oldest_running < cursor.next_transaction:
        log.warning("event_cursor_rewound", reader=READER, reason="the database counts transactions anew")
        cursor.next_transaction = 0
    events = ReservationEvent.objects.filter(
        written_in__gte=cursor.next_transaction, written_in__lt=oldest_running
    ).select_related("reservation")
    notices = Notice.objects.bulk_create(
        [
            Notice(recipient_id=recipient_id, event=event, created_at=now)
            for event in events.order_by("written_in", "pk")
            for recipient_id in _recipients(event)
        ],
        ignore_conflicts=True,
    )
    cursor.next_transaction = oldest_running
    cursor.save(update_fields=["next_transaction"])
    return len(notices)


def tell(
    *,
    recipient_id: int,
    kind: Notice.Kind,
    reservation: Reservation | None = None,
    facts: Mapping[str, str | int],
    once_key: str,
    now: datetime,
) -> None:
    """Tell a person something of this kind; safe to call twice with the same key, and at once."""
    notice = Notice(
        recipient_id=recipient_id,
        kind=kind,
        reservation=reservation,
        facts=dict(facts),
        once_key=once_key,
        created_at=now,
    )
    Notice.objects.bulk_create([notice], ignore_conflicts=True)


def mail_notices(*, now: datetime, most: int = 100) -> int:
    """Send the e-mails that are due, each claimed first; return how many were sent."""
    waiting = Notice.objects.filter(
        _claimable(now), mailed_at__isnull=True, recipient__email__isnull=False, created_at__gt=now - timedelta(days=1)
    )
    sent = 0
    for pk in list(waiting.order_by("pk").values_list("pk", flat=True)[:most]):
        if Notice.objects.filter(_claimable(now), pk=pk, mailed_at__isnull=True).update(mail_claimed_at=now) == 1:
            sent += _mail(_to_mail(pk), now=now)
    return sent


def mark_read(*, recipient: User, now: datetime) -> int:
    """The recipient has seen all notices there are."""
    return Notice.objects.filter(recipient=recipient, read_at__isnull=True).update(read_at=now)


def _locked_cursor() -> EventCursor:
    EventCursor.objects.get_or_create(reader=READER)
    return EventCursor.objects.select_for_update().get(reader=READER)


def _oldest_running_transaction() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def _recipients(event: ReservationEvent) -> list[int]:
    """The driver, of what the platform did; nobody is told what they did themselves, or twice what has its own kind."""
    has_new_status = event.to_status in WORTH_TELLING and event.from_status != event.to_status
    told = event.is_a_move or (has_new_status and event.reason not in TOLD_WITH_AN_OFFER)
    driver_id = event.reservation.driver_id
    return [driver_id] if told and event.actor_id != driver_id else []


def _claimable(now: datetime) -> Q:
    return Q(mail_claimed_at__isnull=True) | Q(mail_claimed_at__lt=now - MAIL_RETRY_AFTER)


def _to_mail(pk: int) -> Notice:
    related = ("recipient", "event__reservation__lot", "event__to_space", "reservation__lot")
    return Notice.objects.select_related(*related).get(pk=pk)


def _mail(notice: Notice, *, now: datetime) -> int:
    """Send one e-mail in the recipient's language; a mail server that is away is tried again later."""
    with translation.override(notice.recipient.language):
        context = {
            "notice": notice,
            "event": notice.event,
            "reservation": notice.about,
            "sentences": sentences_of(notice),
        }
        subject = " ".join(render_to_string("notices/mail_subject.txt", context).split())
        body = render_to_string("notices/mail_body.txt", context)
    try:
        send_mail(subject, body, None, [str(notice.recipient.email)])
    except OSError as error:
        log.warning("mail_not_sent", notice=notice.pk, error=type(error).__name__)
        return 0
    Notice.objects.filter(pk=notice.pk).update(mailed_at=now)
    return 1
