"""What is forgotten, with the clock moved."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from sensors import retention
from sensors.models import Deletion, Kind, KnownKey, OutboxRow, PlateRead, RawMessage, Reading, Stay
from sensors.services import ReplayRefused, replay_message
from tests.factories import NOW, hours, make_device, make_gateway, make_lot, make_reading

pytestmark = pytest.mark.django_db

A_DAY = timedelta(days=1)
A_MOMENT = timedelta(seconds=1)
HASH = b"h" * 32


@pytest.fixture
def lot():
    return make_lot()


def make_message(lot, state, **fields) -> RawMessage:
    return RawMessage.objects.create(
        gateway=make_gateway(lot), received_at=NOW, body_encrypted=b"sealed", state=state, **fields
    )


def make_plate_read(lot, *, observed_at=NOW, forget_at=NOW + A_DAY) -> PlateRead:
    reading = make_reading(make_device(lot), Kind.ENTER, observed_at)
    return PlateRead.objects.create(
        reading_id=reading.pk,
        lot=lot,
        observed_at=observed_at,
        plate_encrypted=b"sealed",
        plate_exact_hash=HASH,
        plate_folded_hash=HASH,
        forget_at=forget_at,
    )


def forgotten_after(age, model=PlateRead) -> bool:
    """Whether nothing is left once so much time has passed."""
    retention.forget(now=NOW + age)
    return not model.objects.exists()


def test_a_plate_that_matched_nothing_goes_after_a_day(lot):
    make_plate_read(lot)

    assert not forgotten_after(A_DAY - A_MOMENT)
    assert forgotten_after(A_DAY)
    assert Reading.objects.count() == 1


def test_a_plate_that_matched_goes_after_thirty_days(lot):
    plate_read = make_plate_read(lot)
    assert retention.keep_plate(plate_read.pk)

    assert not forgotten_after(30 * A_DAY - A_MOMENT)
    assert forgotten_after(30 * A_DAY)


@pytest.mark.parametrize(
    ("until", "kept_until"),
    [(NOW + 3 * A_DAY, NOW + 3 * A_DAY), (NOW + hours(1), NOW + A_DAY), (NOW + 90 * A_DAY, NOW + 30 * A_DAY)],
)
def test_a_plate_is_never_kept_longer_than_thirty_days_nor_shorter_than_it_was(lot, until, kept_until):
    plate_read = make_plate_read(lot)

    retention.keep_plate(plate_read.pk, until=until)

    plate_read.refresh_from_db()
    assert plate_read.forget_at == kept_until


def test_a_plate_that_is_gone_cannot_be_kept():
    assert not retention.keep_plate(4711)


def test_a_shorter_setting_holds_for_plates_that_are_there(lot, settings):
    retention.keep_plate(make_plate_read(lot).pk)
    settings.MATCHED_PLATES_KEPT = 7 * A_DAY

    assert not forgotten_after(7 * A_DAY)
    assert forgotten_after(7 * A_DAY + A_MOMENT)


def test_an_outbox_row_forgets_its_plate_with_it(lot):
    plate_read = make_plate_read(lot)
    OutboxRow.objects.create(
        reading_id=plate_read.reading_id,
        kind=Kind.ENTER,
        lot=lot,
        plate_read=plate_read,
        observed_at=NOW,
        received_at=NOW,
    )

    retention.forget(now=NOW + A_DAY)

    assert OutboxRow.objects.get().plate_read_id is None


@pytest.mark.parametrize("state", [RawMessage.State.READ, RawMessage.State.DISMISSED])
def test_a_raw_message_goes_after_a_day(lot, state):
    make_message(lot, state)

    assert not forgotten_after(A_DAY, RawMessage)
    assert forgotten_after(A_DAY + A_MOMENT, RawMessage)


def test_a_message_that_nobody_has_read_is_work_and_stays(lot):
    make_message(lot, RawMessage.State.NEW)

    assert not forgotten_after(100 * A_DAY, RawMessage)


def test_what_is_in_quarantine_loses_its_body_first(lot):
    message = make_message(lot, RawMessage.State.QUARANTINED, complaint="no XML")

    assert not forgotten_after(A_DAY + A_MOMENT, RawMessage)
    message.refresh_from_db()
    assert (bytes(message.body_encrypted), message.complaint) == (b"", "no XML")
    with pytest.raises(ReplayRefused):
        replay_message(message_id=message.pk, now=NOW + 2 * A_DAY)
    assert forgotten_after(30 * A_DAY + A_MOMENT, RawMessage)


def test_a_known_key_goes_after_forty_days(lot):
    KnownKey.objects.create(gateway=make_gateway(lot), key_hash="0" * 32, received_at=NOW)

    assert not forgotten_after(40 * A_DAY, KnownKey)
    assert forgotten_after(40 * A_DAY + A_MOMENT, KnownKey)


@pytest.mark.parametrize(("ended_after", "kept_for"), [(timedelta(hours=3), 30 * A_DAY + hours(3)), (None, 30 * A_DAY)])
def test_a_stay_forgets_whose_it_was(lot, ended_after, kept_for):
    stay = Stay.objects.create(
        lot=lot,
        source=Stay.Source.GATE,
        plate_exact_hash=HASH,
        began_at=NOW,
        ended_at=ended_after and NOW + ended_after,
    )

    retention.forget(now=NOW + kept_for)
    assert Stay.objects.filter(plate_exact_hash__isnull=False).exists()
    retention.forget(now=NOW + kept_for + A_MOMENT)

    assert Stay.objects.get(plate_exact_hash__isnull=True) == stay


def test_every_deletion_is_written_down_once(lot, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(3):
        make_plate_read(lot)

    counts = retention.forget(now=NOW + 2 * A_DAY)
    again = retention.forget(now=NOW + 2 * A_DAY)

    assert (counts["plates read, at their time"], sum(again.values())) == (3, 0)
    assert list(Deletion.objects.order_by("pk").values_list("what", "rows", "deleted_at")) == [
        ("plates read, at their time", 2, NOW + 2 * A_DAY),
        ("plates read, at their time", 1, NOW + 2 * A_DAY),
    ]


def test_the_record_of_a_deletion_is_never_rewritten(lot):
    make_plate_read(lot)
    retention.forget(now=NOW + 2 * A_DAY)

    with pytest.raises(IntegrityError), transaction.atomic():
        Deletion.objects.update(rows=F("rows") + 1)


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from parking_share import settings; print(settings.UNMATCHED_PLATES_KEPT)"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "starts"),
    [
        ({"UNMATCHED_PLATES_KEPT_HOURS": "12"}, True),
        ({"UNMATCHED_PLATES_KEPT_HOURS": "25"}, False),
        ({"MATCHED_PLATES_KEPT_DAYS": "31"}, False),
        ({"KNOWN_KEYS_KEPT_DAYS": "30"}, False),
        ({"UNMATCHED_PLATES_KEPT_HOURS": "0"}, False),
        ({"UNMATCHED_PLATES_KEPT_HOURS": "48", "KEPT_LONGER_BECAUSE": "Order 17 of the police, until March"}, True),
        ({"UNMATCHED_PLATES_KEPT_HOURS": "48", "KEPT_LONGER_BECAUSE": " "}, False),
    ],
)
def test_a_longer_time_stops_the_start_unless_a_reason_is_written(variables, starts):
    started = start(**variables)

    assert (started.returncode == 0) == starts
    assert starts or next(iter(variables)) in started.stderr
