import threading
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction

from allocation import services as allocation
from parking_share.notices import services
from parking_share.notices.models import EventCursor, Notice
from parking_share.notices.selectors import notices_of, unread_notices
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish, cancel_reservation
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db(transaction=True)


class AwayBackend(BaseEmailBackend):
    """A mail server that hangs up."""

    def send_messages(self, email_messages):  # noqa: ARG002 -- its name is the interface
        raise SMTPServerDisconnected


def decided(lot) -> Reservation:
    driver = make_user()
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=NOW + hours(1), ends_at=NOW + hours(3))
    reservation = allocation.request_reservation(driver=driver, wish=wish, now=NOW)
    allocation.decide(lot_id=lot.pk, now=NOW)
    return reservation


def told() -> list[tuple[int, str]]:
    return list(Notice.objects.order_by("event").values_list("event__reservation", "event__to_status"))


def test_driver_is_told_what_the_platform_did_once():
    lot = make_shared_lot()
    winner, loser = decided(lot), decided(lot)

    assert services.write_notices(now=NOW) == 2
    assert services.write_notices(now=NOW) == 0
    assert told() == [(winner.pk, "ACCEPTED"), (loser.pk, "DECLINED")]


def test_driver_is_not_told_what_the_driver_did():
    reservation = decided(make_shared_lot())
    services.write_notices(now=NOW)

    cancel_reservation(reservation_id=reservation.pk, actor=reservation.driver, now=NOW)

    assert services.write_notices(now=NOW) == 0


def test_event_that_is_committed_late_is_neither_skipped_nor_doubled():
    """An older transaction commits after a younger one: a cursor by id or time would pass it by."""
    slow, quick = make_shared_lot(), make_shared_lot()
    written, may_commit = threading.Event(), threading.Event()

    def decide_slowly() -> None:
        try:
            with transaction.atomic():
                decided(slow)
                written.set()
                may_commit.wait(timeout=20)
        finally:
            connection.close()

    older = threading.Thread(target=decide_slowly)
    older.start()
    assert written.wait(timeout=20)
    younger = decided(quick)

    first = services.write_notices(now=NOW)
    may_commit.set()
    older.join(timeout=20)
    second = services.write_notices(now=NOW)

    assert (first, second) == (0, 2)
    assert services.write_notices(now=NOW) == 0
    late = Reservation.objects.get(lot=slow)
    assert told() == sorted([(late.pk, "ACCEPTED"), (younger.pk, "ACCEPTED")])


def test_two_readers_at_once_write_each_notice_once():
    lot = make_shared_lot(spaces=10)
    for _ in range(10):
        decided(lot)
    written = []

    def read() -> None:
        try:
            written.append(services.write_notices(now=NOW))
        finally:
            connection.close()

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(timeout=20)

    assert sorted(written) == [0, 0, 0, 10]


def test_cursor_of_a_restored_database_begins_anew_without_doubling():
    decided(make_shared_lot())
    services.write_notices(now=NOW)
    EventCursor.objects.update(next_transaction=2**60)

    services.write_notices(now=NOW)

    assert len(told()) == 1
    assert EventCursor.objects.get().next_transaction < 2**60


def test_mail_is_sent_once_in_the_language_of_its_reader():
    decided(make_shared_lot())
    services.write_notices(now=NOW)

    assert services.mail_notices(now=NOW) == 1
    assert services.mail_notices(now=NOW + timedelta(minutes=30)) == 0
    assert len(mail.outbox) == 1
    assert mail.outbox[0].subject.strip()


def test_subject_of_a_mail_is_text_and_no_markup():
    decided(make_shared_lot(name="Smith's & Sons"))
    services.write_notices(now=NOW)
    services.mail_notices(now=NOW)

    assert mail.outbox[0].subject.startswith("Smith's & Sons: ")


def test_mail_claimed_by_one_worker_is_left_alone_by_another():
    decided(make_shared_lot())
    services.write_notices(now=NOW)
    Notice.objects.update(mail_claimed_at=NOW)

    assert services.mail_notices(now=NOW + timedelta(minutes=1)) == 0
    assert services.mail_notices(now=NOW + timedelta(minutes=11)) == 1


def test_mail_server_that_is_away_is_tried_again(settings):
    decided(make_shared_lot())
    services.write_notices(now=NOW)
    settings.EMAIL_BACKEND = "tests.domain.test_notices.AwayBackend"

    assert services.mail_notices(now=NOW) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert services.mail_notices(now=NOW + timedelta(minutes=1)) == 0
    assert services.mail_notices(now=NOW + timedelta(minutes=11)) == 1


def test_person_without_an_address_is_told_in_the_page_only():
    reservation = decided(make_shared_lot())
    type(reservation.driver).objects.filter(pk=reservation.driver_id).update(email=None, phone="+8613800138000")
    services.write_notices(now=NOW)

    assert services.mail_notices(now=NOW) == 0
    assert unread_notices(reservation.driver).count() == notices_of(reservation.driver).count() == 1
    services.mark_read(recipient=reservation.driver, now=NOW)
    assert unread_notices(reservation.driver).count() == 0
