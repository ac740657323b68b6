from itertools import product

import pytest
from django.db import transaction

from allocation import services
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish, cancel_reservation, record_arrival, record_departure
from parking_share.reservations.states import ALLOWED, HOLDS_A_SPACE, MEANING, OPEN, Reason, Status
from parking_share.reservations.transitions import (
    Change,
    TransitionRefused,
    change_spaces,
    make_transition,
    make_transitions,
)
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db

# Written out once more on purpose: the table is the contract, and a slip in it must not test itself.
LEGAL = {
    ("REQUESTED", "ACCEPTED"),
    ("REQUESTED", "DECLINED"),
    ("REQUESTED", "CANCELLED"),
    ("ACCEPTED", "ASSIGNED"),
    ("ACCEPTED", "CANCELLED"),
    ("ACCEPTED", "RELEASED"),
    ("ASSIGNED", "PARKED"),
    ("ASSIGNED", "CANCELLED"),
    ("ASSIGNED", "RELEASED"),
    ("ASSIGNED", "EXPIRED"),
    ("PARKED", "COMPLETED"),
    ("PARKED", "RELEASED"),
    ("DECLINED", "REQUESTED"),
}
WAY_TO = {
    "REQUESTED": [],
    "ACCEPTED": ["ACCEPTED"],
    "ASSIGNED": ["ACCEPTED", "ASSIGNED"],
    "PARKED": ["ACCEPTED", "ASSIGNED", "PARKED"],
    "COMPLETED": ["ACCEPTED", "ASSIGNED", "PARKED", "COMPLETED"],
    "DECLINED": ["DECLINED"],
    "CANCELLED": ["CANCELLED"],
    "EXPIRED": ["ACCEPTED", "ASSIGNED", "EXPIRED"],
    "RELEASED": ["ACCEPTED", "RELEASED"],
}


def asked(lot, **times) -> Reservation:
    driver = make_user()
    period = {"starts_at": NOW + hours(1), "ends_at": NOW + hours(3)} | times
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], **period)
    return services.request_reservation(driver=driver, wish=wish, now=NOW)


def move(reservation: Reservation, to: str, space=None) -> Reservation:
    change = Change(
        reservation_id=reservation.pk, to=Status(to), reason=Reason.MOVED, space_id=space.pk if space else None
    )
    return make_transition(change, at=NOW)


def in_status(status: str) -> Reservation:
    lot = make_shared_lot()
    reservation = asked(lot)
    for step in WAY_TO[status]:
        reservation = move(reservation, step, lot.spaces.get())
    return reservation


def test_table_names_every_status_with_its_meaning():
    assert set(ALLOWED) == set(MEANING) == set(Status)
    assert HOLDS_A_SPACE < OPEN
    assert {(before.value, after.value) for before, afters in ALLOWED.items() for after in afters} == LEGAL


@pytest.mark.parametrize(("before", "after"), sorted(LEGAL))
def test_legal_transition_changes_status_space_cars_and_history_together(before, after):
    reservation = in_status(before)
    space = reservation.lot.spaces.get()
    events_before = reservation.events.count()

    move(reservation, after, space)

    reservation.refresh_from_db()
    holds = after in {"ACCEPTED", "ASSIGNED", "PARKED"}
    assert reservation.status == after
    assert reservation.space == (space if holds else None)
    assert reservation.vehicle_rows.get().is_held is holds
    assert reservation.events.count() == events_before + 1
    event = reservation.events.last()
    assert (event.from_status, event.to_status, event.happened_at) == (before, after, NOW)
    assert (event.from_space is not None, event.to_space is not None) == (
        before in {"ACCEPTED", "ASSIGNED", "PARKED"},
        holds,
    )


@pytest.mark.parametrize(("before", "after"), sorted(set(product(Status.values, Status.values)) - LEGAL))
def test_illegal_transition_is_refused_and_changes_nothing(before, after):
    reservation = in_status(before)
    events_before = reservation.events.count()

    with pytest.raises(TransitionRefused) as refusal, transaction.atomic():
        move(reservation, after, reservation.lot.spaces.get())

    reservation.refresh_from_db()
    assert refusal.value.code == "not_possible_now"
    assert reservation.status == before
    assert reservation.events.count() == events_before


@pytest.mark.django_db(transaction=True)
def test_one_refused_change_undoes_all_changes_of_the_call():
    lot = make_shared_lot(spaces=2)
    first, second = asked(lot), asked(lot)
    cancel_reservation(reservation_id=second.pk, actor=second.driver, now=NOW)
    changes = [
        Change(reservation_id=row.pk, to=Status.DECLINED, reason=Reason.NO_FREE_SPACE) for row in (first, second)
    ]

    with pytest.raises(TransitionRefused):
        make_transitions(changes, at=NOW)

    first.refresh_from_db()
    assert first.status == Status.REQUESTED
    assert first.events.count() == 1


def test_driver_lives_a_whole_reservation():
    lot = make_shared_lot()
    reservation = asked(lot)
    services.decide(lot_id=lot.pk, now=NOW)
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(0.9))

    record_arrival(reservation_id=reservation.pk, actor=reservation.driver, now=NOW + hours(1))
    record_departure(reservation_id=reservation.pk, actor=reservation.driver, now=NOW + hours(2))

    assert list(reservation.events.values_list("to_status", flat=True)) == [
        "REQUESTED",
        "ACCEPTED",
        "ASSIGNED",
        "PARKED",
        "COMPLETED",
    ]
    assert list(reservation.events.values_list("actor", flat=True)) == [
        reservation.driver_id,
        None,
        None,
        reservation.driver_id,
        reservation.driver_id,
    ]


def test_two_reservations_swap_their_spaces_in_one_move():
    lot = make_shared_lot(spaces=2)
    first, second = asked(lot), asked(lot)
    services.decide(lot_id=lot.pk, now=NOW)
    first.refresh_from_db()
    second.refresh_from_db()

    change_spaces({first.pk: second.space_id, second.pk: first.space_id}, at=NOW)

    was = (first.space_id, second.space_id)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (second.space_id, first.space_id) == was
    moved = first.events.last()
    assert (moved.from_status, moved.to_status, moved.reason) == ("ACCEPTED", "ACCEPTED", "MOVED")
    assert (moved.from_space_id, moved.to_space_id) == was


def test_three_reservations_change_places_in_a_circle():
    lot = make_shared_lot(spaces=3)
    rows = [asked(lot) for _ in range(3)]
    services.decide(lot_id=lot.pk, now=NOW)
    held = [Reservation.objects.get(pk=row.pk).space_id for row in rows]
    moves = {row.pk: held[(place + 1) % 3] for place, row in enumerate(rows)}

    change_spaces(moves, at=NOW)

    assert {row.pk: Reservation.objects.get(pk=row.pk).space_id for row in rows} == moves


def test_moving_to_the_same_space_or_without_one_writes_nothing():
    lot = make_shared_lot()
    holder, gone = asked(lot), asked(lot)
    cancel_reservation(reservation_id=gone.pk, actor=gone.driver, now=NOW)
    services.decide(lot_id=lot.pk, now=NOW)
    space = lot.spaces.get()

    moved = change_spaces({holder.pk: space.pk, gone.pk: space.pk}, at=NOW)

    assert moved == []
    assert holder.events.count() == gone.events.count() == 2
