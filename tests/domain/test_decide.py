from datetime import timedelta

import pytest

from allocation import selectors, services
from allocation.models import Decision
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import ArrivedTooLate, Wish, record_arrival
from parking_share.reservations.states import Reason, Status
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db


def ask(lot, starts_in=1, ends_in=3, driver=None, vehicle=None, now=NOW) -> Reservation:
    driver = driver or make_user()
    return services.request_reservation(
        driver=driver,
        wish=Wish(
            lot=lot,
            vehicles=[vehicle or make_vehicle(driver)],
            starts_at=NOW + hours(starts_in),
            ends_at=NOW + hours(ends_in),
        ),
        now=now,
    )


def test_decide_gives_the_last_bay_to_the_first_request():
    lot = make_shared_lot(spaces=1)
    first, second = ask(lot), ask(lot)

    services.decide(lot_id=lot.pk, now=NOW)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Status.ACCEPTED, Status.DECLINED)
    assert second.reason == Reason.NO_FREE_SPACE
    assert first.decision.is_accepted
    assert [event.to_status for event in first.events.all()] == [Status.REQUESTED, Status.ACCEPTED]


def test_assign_announces_bays_that_start_soon():
    lot = make_shared_lot(spaces=3)
    soon, later = ask(lot, starts_in=1), ask(lot, starts_in=2)
    services.decide(lot_id=lot.pk, now=NOW)

    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(1) - timedelta(minutes=15))

    soon.refresh_from_db()
    later.refresh_from_db()
    assert (soon.status, later.status) == (Status.ASSIGNED, Status.ACCEPTED)
    assert soon.assignments.get().space_id == soon.space_id


def test_decide_takes_along_other_lots_that_wait():
    lots = [make_shared_lot(), make_shared_lot()]
    asked = [ask(lot) for lot in lots]

    decided = services.decide(lot_id=lots[0].pk, now=NOW)

    for reservation in asked:
        reservation.refresh_from_db()
    assert decided == 2
    assert [reservation.status for reservation in asked] == [Status.ACCEPTED, Status.ACCEPTED]
    assert [reservation.space.lot_id for reservation in asked] == [lot.pk for lot in lots]
    assert services.decide(lot_id=lots[1].pk, now=NOW) == 0


def test_a_bay_nobody_came_for_is_given_back_by_the_next_round():
    lot = make_shared_lot()
    missed = ask(lot)
    services.decide(lot_id=lot.pk, now=NOW)
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(1))
    past_the_grace = NOW + hours(2) + timedelta(minutes=1)

    assert selectors.lots_to_attend(now=NOW + hours(1.5)) == []
    assert selectors.lots_to_attend(now=past_the_grace) == [lot.pk]
    services.assign_arrivals(lot_id=lot.pk, now=past_the_grace)

    missed.refresh_from_db()
    assert (missed.status, missed.reason, missed.space) == (Status.EXPIRED, Reason.NO_SHOW, None)


def spoil(reservation: Reservation) -> None:
    """Make its decision fail for ever: one is stored already, though it still waits."""
    Decision.objects.create(
        reservation=reservation,
        is_accepted=False,
        reason=Reason.NO_FREE_SPACE,
        policy_name="fcfs",
        policy_version=1,
        decided_at=NOW,
        spaces_considered=0,
    )


@pytest.mark.django_db(transaction=True)
def test_request_that_always_fails_blocks_neither_its_lot_nor_others(caplog):
    lot, other = make_shared_lot(spaces=3), make_shared_lot()
    before, poison, after, neighbour = ask(lot), ask(lot), ask(lot), ask(other)
    spoil(poison)

    assert services.decide(lot_id=lot.pk, now=NOW) == 2
    assert services.decide(lot_id=other.pk, now=NOW) == 1

    statuses = [Reservation.objects.get(pk=row.pk).status for row in (before, poison, after, neighbour)]
    assert statuses == [Status.ACCEPTED, Status.REQUESTED, Status.ACCEPTED, Status.ACCEPTED]
    failed = [record.msg["reservation"] for record in caplog.records if record.msg["event"] == "request_failed"]
    assert failed == [poison.pk]


@pytest.mark.django_db(transaction=True)
def test_a_driver_who_comes_after_the_grace_is_told_that_the_bay_is_gone():
    lot = make_shared_lot()
    late = ask(lot)
    services.decide(lot_id=lot.pk, now=NOW)
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(1))

    with pytest.raises(ArrivedTooLate):
        record_arrival(reservation_id=late.pk, actor=late.driver, now=NOW + hours(2) + timedelta(minutes=1))

    assert record_arrival(reservation_id=late.pk, actor=late.driver, now=NOW + hours(1)).status == Status.PARKED


@pytest.mark.parametrize("days", [1, 3, 100])
def test_a_request_whose_period_is_long_past_is_declined_not_stuck(days):
    lot = make_shared_lot()
    forgotten = ask(lot)

    assert services.decide(lot_id=lot.pk, now=NOW + timedelta(days=days)) == 1

    forgotten.refresh_from_db()
    assert (forgotten.status, forgotten.reason) == (Status.DECLINED, Reason.TOO_LATE)
