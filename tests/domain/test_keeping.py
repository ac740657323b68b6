from datetime import timedelta

import pytest

from allocation import services
from allocation.keeping import NoBayYet, NotAdmitted, admit_now, hold_longer, rehome
from allocation.obstacles import clear_obstacles, obstructed, report_obstacle
from parking_share.reservations.services import cancel_reservation, record_departure
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import Space
from sensors.models import Occupancy
from tests.domain.lives import accepted, announced, broken_promises_of_the_database, fresh, parked, sense
from tests.factories import NOW, hours, make_shared_lot, make_space, make_user, make_vehicle, make_window

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def bays(lot) -> list[Space]:
    return list(lot.spaces.order_by("pk"))


# early admission


def test_early_driver_is_told_a_bay_and_holds_it_from_now_on():
    lot = make_shared_lot()
    reservation = accepted(lot)
    early = NOW + hours(0.5)

    admitted = admit_now(reservation_id=reservation.pk, now=early)

    assert (admitted.status, admitted.space) == (Status.ASSIGNED, lot.spaces.get())
    assert (admitted.held_from, admitted.starts_at) == (early, NOW + hours(1))
    assert list(admitted.events.values_list("reason", flat=True))[-2:] == ["BAY_ANNOUNCED", "ADMITTED_EARLY"]
    assert admitted.assignments.get().space == admitted.space
    assert admitted.price_cents == reservation.price_cents
    assert broken_promises_of_the_database(early) == {}


def test_asking_twice_at_the_gate_changes_nothing_more():
    reservation = accepted(make_shared_lot())
    admit_now(reservation_id=reservation.pk, now=NOW + hours(0.5))

    again = admit_now(reservation_id=reservation.pk, now=NOW + hours(0.6))

    assert again.held_from == NOW + hours(0.5)
    assert again.events.count() == 4


def test_an_announced_bay_is_kept_if_it_is_free_already():
    lot = make_shared_lot(spaces=3)
    reservation = announced(lot)

    admitted = admit_now(reservation_id=reservation.pk, now=NOW + timedelta(minutes=52))

    assert admitted.space_id == reservation.space_id
    assert admitted.held_from == NOW + timedelta(minutes=52)


def test_an_announced_bay_that_is_still_in_use_is_changed_for_a_free_one():
    lot = make_shared_lot()
    parked(lot, starts_in=0.25, ends_in=1)
    later = announced(lot, starts_in=1, ends_in=3)
    other = make_space(lot)
    make_window(other, NOW, NOW + hours(12))

    admitted = admit_now(reservation_id=later.pk, now=NOW + timedelta(minutes=52))

    assert admitted.space == other
    assert admitted.events.filter(reason=Reason.MOVED).exists()
    assert broken_promises_of_the_database(NOW + hours(1)) == {}


def test_who_is_too_early_is_told_when_a_bay_is_free():
    lot = make_shared_lot()
    parked(lot, starts_in=0.25, ends_in=0.75)
    later = accepted(lot, starts_in=1, ends_in=3)

    with pytest.raises(NoBayYet) as refusal:
        admit_now(reservation_id=later.pk, now=NOW + hours(0.5))

    assert refusal.value.earliest_at == NOW + hours(0.75)
    assert "08:45" in refusal.value.sentence
    assert fresh(later).status == Status.ACCEPTED


def test_a_car_that_is_promised_elsewhere_is_not_let_in_early():
    driver = make_user()
    car = make_vehicle(driver)
    parked(make_shared_lot(), starts_in=0.25, ends_in=0.75, driver=driver, car=car)
    later = accepted(make_shared_lot(), driver=driver, car=car)

    with pytest.raises(NoBayYet) as refusal:
        admit_now(reservation_id=later.pk, now=NOW + hours(0.5))

    assert refusal.value.earliest_at == NOW + hours(0.75)


def test_nobody_is_let_in_early_into_a_bay_in_which_somebody_stands():
    lot = make_shared_lot()
    reservation = accepted(lot)
    sense(lot.spaces.get(), Occupancy.OCCUPIED, at=NOW)

    with pytest.raises(NoBayYet) as refusal:
        admit_now(reservation_id=reservation.pk, now=NOW + hours(0.5))

    assert refusal.value.earliest_at == NOW + hours(1)


def test_who_comes_after_the_start_gets_the_bay_that_is_held_even_if_a_sensor_doubts_it():
    lot = make_shared_lot()
    reservation = accepted(lot)
    sense(lot.spaces.get(), Occupancy.OCCUPIED, at=NOW)

    admitted = admit_now(reservation_id=reservation.pk, now=NOW + hours(1))

    assert (admitted.status, admitted.space_id) == (Status.ASSIGNED, reservation.space_id)


def test_a_reservation_that_is_over_admits_nobody():
    lot = make_shared_lot(spaces=2)
    gone, late = accepted(lot), announced(lot)
    cancel_reservation(reservation_id=gone.pk, actor=gone.driver, now=NOW)

    for reservation, now in ((gone, NOW), (late, late.lapses_at), (parked(lot), NOW + hours(1.5))):
        with pytest.raises(NotAdmitted):
            admit_now(reservation_id=reservation.pk, now=now)


# obstacles


def test_bays_are_obstructed_by_whoever_is_not_due_out():
    lot = make_shared_lot(spaces=4)
    quiet, taken, shut, told_of = bays(lot)
    sense(taken, Occupancy.OCCUPIED, at=NOW)
    sense(shut, Occupancy.CLOSED, at=NOW)
    report_obstacle(space_id=told_of.pk, now=NOW, until=NOW + hours(2))
    ids = [space.pk for space in bays(lot)]

    assert obstructed(ids, now=NOW + hours(1)) == {taken.pk, shut.pk, told_of.pk}
    assert obstructed(ids, now=NOW + hours(2)) == {taken.pk, shut.pk}
    assert quiet.pk not in obstructed(ids, now=NOW)


def test_a_bay_that_is_free_again_is_no_obstacle():
    space = make_shared_lot().spaces.get()
    report_obstacle(space_id=space.pk, now=NOW, until=NOW + hours(2))

    assert clear_obstacles(space_id=space.pk, now=NOW + hours(1)) == 1
    assert obstructed([space.pk], now=NOW + hours(1)) == set()


def test_a_sensor_that_has_fallen_silent_obstructs_nothing():
    space = make_shared_lot().spaces.get()
    sense(space, Occupancy.OCCUPIED, at=NOW, heartbeat_s=600)

    assert obstructed([space.pk], now=NOW + timedelta(minutes=20)) == {space.pk}
    assert obstructed([space.pk], now=NOW + timedelta(minutes=21)) == set()


def test_whoever_holds_the_bay_now_and_the_owner_before_the_shared_hours_are_due_out():
    lot = make_shared_lot()
    here = parked(lot, starts_in=0.25, ends_in=1)
    owners = make_space(lot)
    make_window(owners, NOW + hours(1), NOW + hours(5))
    for space in bays(lot):
        sense(space, Occupancy.OCCUPIED, at=NOW)

    assert obstructed([here.space_id, owners.pk], now=NOW + hours(0.5)) == set()
    assert obstructed([here.space_id, owners.pk], now=NOW + hours(1.25)) == {here.space_id, owners.pk}


def test_a_bay_in_which_a_stranger_stands_is_announced_to_nobody_while_others_are_free():
    lot = make_shared_lot(spaces=3)
    rows = [accepted(lot) for _ in range(2)]
    for row in rows:
        sense(row.space, Occupancy.OCCUPIED, at=NOW + hours(0.5))
    free = next(space for space in bays(lot) if space not in [row.space for row in rows])

    services.assign_arrivals(lot_id=lot.pk, now=NOW + timedelta(minutes=50))

    first, second = (fresh(row) for row in rows)
    assert {first.status, second.status} == {Status.ASSIGNED}
    assert free in (first.space, second.space)
    assert first.space != second.space
    assert broken_promises_of_the_database(NOW + hours(1)) == {}


# another bay


def test_a_lost_bay_is_exchanged_for_the_cheapest_free_one():
    lot = make_shared_lot(spaces=2)
    reservation = announced(lot)
    snug = make_space(lot)
    make_window(snug, NOW, NOW + hours(3))

    homes = rehome(reservation_ids=[reservation.pk], reason=Reason.OVERSTAYED, now=NOW + hours(1))

    moved = fresh(reservation)
    assert homes == {reservation.pk: snug.pk}
    assert (moved.space, moved.status) == (snug, Status.ASSIGNED)
    event = moved.events.last()
    assert (event.reason, event.from_space_id, event.to_space_id) == ("OVERSTAYED", reservation.space_id, snug.pk)
    assert broken_promises_of_the_database(NOW + hours(1)) == {}


def test_a_bay_that_was_shared_from_now_on_only_will_do_for_who_has_begun():
    lot = make_shared_lot()
    reservation = announced(lot)
    make_window(make_space(lot), NOW + hours(1.5), NOW + hours(12))

    assert rehome(reservation_ids=[reservation.pk], reason=Reason.BAY_TAKEN, now=NOW + hours(1.25)) == {
        reservation.pk: None
    }
    homes = rehome(reservation_ids=[reservation.pk], reason=Reason.BAY_TAKEN, now=NOW + hours(1.5))
    assert homes[reservation.pk] is not None
    assert broken_promises_of_the_database(NOW + hours(1.5)) == {}


@pytest.mark.parametrize(
    "unfit", [{"size": 1}, {"has_charger": True}, {"is_accessible": True}, {"admits": Space.Admits.RESIDENTS}]
)
def test_nobody_is_moved_into_a_bay_that_does_not_suit(unfit):
    lot = make_shared_lot()
    reservation = announced(lot)
    make_window(make_space(lot, **unfit), NOW, NOW + hours(12))

    assert rehome(reservation_ids=[reservation.pk], reason=Reason.BAY_TAKEN, now=NOW + hours(1)) == {
        reservation.pk: None
    }
    assert fresh(reservation).space_id == reservation.space_id


def test_the_first_to_come_is_moved_first_and_none_into_a_bay_that_is_avoided_or_lost_or_taken():
    lot = make_shared_lot(spaces=2)
    later, sooner = accepted(lot, starts_in=1.5), accepted(lot, starts_in=1)
    for _ in range(3):
        make_window(make_space(lot), NOW, NOW + hours(12))
    avoided, taken, last = bays(lot)[2:]
    sense(taken, Occupancy.OCCUPIED, at=NOW)

    homes = rehome(
        reservation_ids=[later.pk, sooner.pk],
        reason=Reason.OVERSTAYED,
        now=NOW + hours(1),
        avoid_space_ids=[avoided.pk],
    )

    assert homes == {later.pk: None, sooner.pk: last.pk}


def test_nobody_is_moved_into_a_bay_from_which_the_car_before_has_not_gone():
    lot = make_shared_lot(spaces=2)
    stays_on = parked(lot, starts_in=1, ends_in=2)
    late = announced(lot, starts_in=1.5, ends_in=4)
    assert stays_on.space != late.space

    moved = rehome(reservation_ids=[late.pk], reason=Reason.BAY_TAKEN, now=NOW + hours(2.1))

    assert moved == {late.pk: None}


def test_a_hold_that_lapsed_is_no_obstacle():
    lot = make_shared_lot(spaces=2)
    stayed_away = announced(lot, starts_in=1, ends_in=4)
    late = announced(lot, starts_in=1.5, ends_in=4)

    moved = rehome(reservation_ids=[late.pk], reason=Reason.BAY_TAKEN, now=NOW + hours(2.1))

    assert moved == {late.pk: stayed_away.space_id}
    assert fresh(stayed_away).status == Status.EXPIRED


def test_a_parked_car_moves_only_where_that_is_asked_for():
    lot = make_shared_lot(spaces=2)
    reservation = parked(lot)
    move = {"reservation_ids": [reservation.pk], "reason": Reason.BAY_TAKEN, "now": NOW + hours(1)}

    assert rehome(**move) == {reservation.pk: None}
    assert rehome(**move, even_parked=True)[reservation.pk] not in {None, reservation.space_id}
    assert fresh(reservation).status == Status.PARKED


# a hold that lasts longer


def test_a_bay_is_held_for_the_car_in_it_until_whoever_comes_next():
    lot = make_shared_lot()
    here = parked(lot, ends_in=2)
    accepted(lot, starts_in=2.5, ends_in=4)

    assert hold_longer(reservation_id=here.pk, until=NOW + hours(2.25), now=NOW + hours(2)) == NOW + hours(2.25)
    assert hold_longer(reservation_id=here.pk, until=NOW + hours(3), now=NOW + hours(2.25)) == NOW + hours(2.5)
    assert fresh(here).held_until == NOW + hours(2.5)
    assert fresh(here).ends_at == NOW + hours(2)
    assert broken_promises_of_the_database(NOW + hours(2.25)) == {}


def test_a_later_booking_of_the_same_car_begins_when_the_car_can_come():
    driver = make_user()
    car = make_vehicle(driver)
    here = parked(make_shared_lot(), ends_in=2, driver=driver, car=car)
    later = accepted(make_shared_lot(), starts_in=2, ends_in=4, driver=driver, car=car)

    hold_longer(reservation_id=here.pk, until=NOW + hours(2.25), now=NOW + hours(2))

    assert fresh(later).held_from == fresh(here).held_until == NOW + hours(2.25)
    assert fresh(later).starts_at == NOW + hours(2)
    assert broken_promises_of_the_database(NOW + hours(2)) == {}


def test_a_later_booking_of_the_same_car_is_never_swallowed_whole():
    driver = make_user()
    car = make_vehicle(driver)
    here = parked(make_shared_lot(), ends_in=2, driver=driver, car=car)
    later = accepted(make_shared_lot(), starts_in=2, ends_in=2.25, driver=driver, car=car)

    hold_longer(reservation_id=here.pk, until=NOW + hours(2.25), now=NOW + hours(2))

    assert fresh(here).held_until == fresh(later).held_from == NOW + hours(2.25) - MINUTE
    assert broken_promises_of_the_database(NOW + hours(2)) == {}


def test_nothing_is_held_for_a_car_that_has_left():
    here = parked(make_shared_lot(), ends_in=2)
    record_departure(reservation_id=here.pk, actor=None, now=NOW + hours(1.5))

    assert hold_longer(reservation_id=here.pk, until=NOW + hours(3), now=NOW + hours(2)) == NOW + hours(1.5)
