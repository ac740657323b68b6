"""The end of a stay: the reminder, the next party moved in time, the hold that follows the car, the penalty."""

from datetime import timedelta

import pytest

from allocation.extending import extend_reservation
from parking_share.fulfilment.models import BrokenPromise, LotRules, Overstay
from parking_share.fulfilment.overstays import attend_overstays
from parking_share.fulfilment.penalties import penalty_cents, penalty_rate
from parking_share.notices.models import Notice
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import expect_arrival, record_departure
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import Lot
from sensors.models import Occupancy, Stay
from sensors.staying import open_stay
from tests.domain.lives import (
    accepted,
    announced,
    broken_promises_of_the_database,
    fresh,
    parked,
    sense,
    stay_seen,
    watch_gates,
)
from tests.factories import NOW, hours, make_shared_lot, make_space, make_window

pytestmark = pytest.mark.django_db

END = NOW + hours(2)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def overstayer(lot: Lot, *, ends_in: float = 2) -> Reservation:
    """Parked from one hour on, and seen in its bay."""
    reservation = parked(lot, ends_in=ends_in)
    assert reservation.space is not None
    sense(reservation.space, Occupancy.OCCUPIED, at=reservation.starts_at)
    return reservation


def notices(kind: str) -> list[Notice]:
    return list(Notice.objects.filter(kind=kind).order_by("pk"))


# the reminder


def test_driver_is_reminded_once_with_the_time_that_is_possible():
    lot = make_shared_lot(ends_at=NOW + hours(5))
    reservation = parked(lot, ends_in=2)

    attend_overstays(now=END - minutes(16))
    assert notices("ENDING_SOON") == []
    for late in (15, 14, 3):
        attend_overstays(now=END - minutes(late))

    notice = notices("ENDING_SOON")[0]
    assert (len(notices("ENDING_SOON")), notice.recipient, notice.reservation) == (1, reservation.driver, reservation)
    assert notice.facts["stay_until"] == (NOW + hours(5)).isoformat()


def test_an_extension_is_reminded_of_again():
    reservation = parked(make_shared_lot(), ends_in=2)
    attend_overstays(now=END - minutes(10))
    extend_reservation(reservation_id=reservation.pk, actor=None, until=NOW + hours(3), now=END - minutes(9))

    attend_overstays(now=END - minutes(8))
    attend_overstays(now=NOW + hours(3) - minutes(10))

    assert len(notices("ENDING_SOON")) == 2


def test_who_has_not_come_or_has_gone_is_not_reminded():
    lot = make_shared_lot(spaces=2)
    announced(lot, ends_in=2)
    gone = parked(lot, ends_in=2)
    record_departure(reservation_id=gone.pk, actor=None, now=NOW + hours(1.5))

    attend_overstays(now=END - minutes(10))

    assert notices("ENDING_SOON") == []


# the hold, and the next party


def test_hold_follows_the_car_slot_by_slot_as_long_as_it_stands_there():
    reservation = overstayer(make_shared_lot())
    held = []
    for late in (-6, -5, 0, 9, 10, 26):
        attend_overstays(now=END + minutes(late))
        held.append(fresh(reservation).held_until - END)

    assert held == [minutes(0), minutes(15), minutes(15), minutes(15), minutes(30), minutes(45)]
    assert fresh(reservation).ends_at == END
    assert broken_promises_of_the_database(END + minutes(26)) == {}


def test_next_party_is_moved_before_it_comes_and_told():
    lot = make_shared_lot()
    reservation = overstayer(lot)
    following = announced(lot, starts_in=2, ends_in=4)
    spare = make_space(lot)
    make_window(spare, NOW, NOW + hours(12))

    attend_overstays(now=END - minutes(6))
    assert fresh(following).space == reservation.space
    attend_overstays(now=END - minutes(5))

    moved = fresh(following)
    assert (moved.space, moved.status) == (spare, Status.ASSIGNED)
    event = moved.events.last()
    assert (event.reason, event.is_a_move) == (Reason.OVERSTAYED, True)
    assert fresh(reservation).held_until == END + minutes(15)
    assert BrokenPromise.objects.count() == 0
    assert broken_promises_of_the_database(END) == {}


def test_next_party_stays_where_the_bay_is_empty_again():
    lot = make_shared_lot(spaces=2)
    reservation = overstayer(lot)
    following = announced(lot, starts_in=2, ends_in=4)
    bay = following.space
    sense(reservation.space, Occupancy.FREE, at=END - minutes(7))

    attend_overstays(now=END - minutes(5))

    assert (fresh(following).space, fresh(reservation).held_until) == (bay, END)


def test_a_promise_is_broken_only_when_the_time_is_over_and_another_lot_is_found():
    lot, nearby = make_shared_lot(), make_shared_lot(name="Nearby", latitude=22.552)
    make_shared_lot(name="Far away", latitude=22.65)
    overstayer(lot)
    following = announced(lot, starts_in=2, ends_in=4)

    attend_overstays(now=END - minutes(5))
    assert fresh(following).status == Status.ASSIGNED
    attend_overstays(now=END)

    lost, broken = fresh(following), BrokenPromise.objects.get()
    assert (lost.status, lost.reason) == (Status.RELEASED, Reason.SPACE_LOST)
    assert (broken.cause, broken.reservation, broken.offered_lot) == ("OVERSTAY", lost, nearby)
    replacement = broken.replacement
    assert (replacement.status, replacement.lot, replacement.driver) == (Status.ASSIGNED, nearby, lost.driver)
    assert (replacement.starts_at, replacement.ends_at) == (END, lost.ends_at)
    assert replacement.price_cents <= lost.price_cents
    assert broken.compensation_cents == max(lost.price_cents, 500)
    notice = notices("PROMISE_BROKEN")[0]
    assert (notice.recipient, notice.facts["offered_lot"]) == (lost.driver, "Nearby")
    assert notice.facts["replacement"] == replacement.pk
    assert broken_promises_of_the_database(END) == {}


def test_a_party_that_comes_later_keeps_its_bay_as_long_as_the_car_may_still_leave():
    lot = make_shared_lot()
    reservation = overstayer(lot)
    following = accepted(lot, starts_in=2.25, ends_in=4)

    for late in (-5, 0, 5):
        attend_overstays(now=END + minutes(late))
        assert fresh(following).status == Status.ACCEPTED
    assert fresh(reservation).held_until == following.held_from
    attend_overstays(now=END + minutes(10))

    assert fresh(following).status == Status.RELEASED
    assert fresh(reservation).held_until == END + minutes(30)


def test_without_a_lot_nearby_the_driver_owes_nothing_and_is_compensated():
    lot = make_shared_lot()
    LotRules.objects.create(lot=lot, compensation_percent=150, least_compensation_cents=100)
    overstayer(lot)
    following = announced(lot, starts_in=2, ends_in=4)
    Reservation.objects.filter(pk=following.pk).update(price_cents=333)

    attend_overstays(now=END)
    attend_overstays(now=END + minutes(1))

    broken = BrokenPromise.objects.get()
    assert (broken.replacement, broken.offered_lot, broken.compensation_cents) == (None, None, 500)
    assert len(notices("PROMISE_BROKEN")) == 1


def test_twice_is_harmless():
    lot = make_shared_lot()
    make_shared_lot(latitude=22.552)
    overstayer(lot)
    announced(lot, starts_in=2, ends_in=4)

    def rows():
        return [
            list(model.objects.order_by("pk").values())
            for model in (Reservation, BrokenPromise, Overstay, Notice, Stay)
        ]

    for late in (-10, -5, 0, 11):
        attend_overstays(now=END + minutes(late))
        before = rows()
        attend_overstays(now=END + minutes(late))
        assert rows() == before


# the penalty


def test_penalty_is_nothing_within_the_grace_and_grows_by_the_second_after_it():
    lot = make_shared_lot(peak_rate_cents=800)
    LotRules.objects.create(lot=lot, penalty_percent=250)
    reservation = overstayer(lot)

    attend_overstays(now=END + minutes(10))
    assert Overstay.objects.count() == 0
    attend_overstays(now=END + minutes(10) + timedelta(seconds=1))
    first = Overstay.objects.get()
    attend_overstays(now=END + minutes(40))

    row = Overstay.objects.get()
    assert (first.penalty_cents, row.penalty_cents, row.cents_an_hour) == (1, 1000, 2000)
    assert (row.began_at, row.charged_from, row.ended_at) == (END, END + minutes(10), None)
    warning = notices("OVERSTAY")
    assert (len(warning), warning[0].recipient, warning[0].facts["cents_an_hour"]) == (1, reservation.driver, 2000)


def test_penalty_ends_when_the_car_has_left_and_later_rules_do_not_change_it():
    lot = make_shared_lot(peak_rate_cents=800)
    reservation = overstayer(lot)
    attend_overstays(now=END + minutes(20))
    LotRules.objects.create(lot=lot, penalty_percent=1000)
    record_departure(reservation_id=reservation.pk, actor=None, now=END + minutes(25))

    attend_overstays(now=END + minutes(40))

    row = Overstay.objects.get()
    assert (row.ended_at, row.penalty_cents) == (END + minutes(25), 400)


@pytest.mark.parametrize(
    ("seconds", "rate", "owed"), [(-5, 1600, 0), (0, 1600, 0), (3600, 1601, 1601), (1, 1800, 1), (1, 1799, 0)]
)
def test_penalty_is_rounded_once_half_up(seconds, rate, owed):
    assert penalty_cents(cents_an_hour=rate, charged_from=NOW, until=NOW + timedelta(seconds=seconds)) == owed


def test_penalty_rate_is_a_share_of_the_peak_rate():
    assert [penalty_rate(cents, percent=150) for cents in (100, 101, 0)] == [150, 152, 0]


# what is known


def test_a_gate_that_has_not_seen_the_car_go_knows_that_it_is_there():
    lot = make_shared_lot()
    watch_gates(lot)
    reservation = parked(lot, ends_in=2)
    stay_seen(reservation)

    attend_overstays(now=END + minutes(30))

    assert fresh(reservation).held_until > END
    assert Overstay.objects.get().reservation == reservation


def test_a_car_that_stands_elsewhere_in_the_lot_frees_its_bay_and_is_still_charged():
    lot = make_shared_lot()
    watch_gates(lot)
    reservation = parked(lot, ends_in=2)
    stay_seen(reservation)
    sense(reservation.space, Occupancy.FREE, at=NOW + hours(1))

    attend_overstays(now=END + minutes(30))

    assert (fresh(reservation).status, fresh(reservation).held_until) == (Status.PARKED, END)
    assert Overstay.objects.count() == 1


def test_a_forgotten_button_ends_the_stay_after_the_grace_and_costs_nothing():
    lot = make_shared_lot()
    reservation = parked(lot, ends_in=2)
    following = announced(lot, starts_in=2, ends_in=4)
    stay = open_stay(
        lot_id=lot.pk,
        source=Stay.Source.DRIVER,
        began_at=NOW + hours(1),
        reservation_id=reservation.pk,
        space_id=reservation.space_id,
    )

    attend_overstays(now=END + minutes(10))
    assert fresh(reservation).status == Status.PARKED
    attend_overstays(now=END + minutes(11))

    gone = fresh(reservation)
    stay.refresh_from_db()
    assert (gone.status, gone.reason, gone.held_until) == (Status.COMPLETED, Reason.PRESUMED_LEFT, END)
    assert stay.ended_at == END
    assert (fresh(following).status, Overstay.objects.count(), BrokenPromise.objects.count()) == (
        Status.ASSIGNED,
        0,
        0,
    )


def test_a_sensor_that_fell_silent_neither_charges_nor_holds():
    lot = make_shared_lot()
    reservation = parked(lot, ends_in=2)
    sense(reservation.space, Occupancy.OCCUPIED, at=NOW + hours(1), heartbeat_s=60)

    attend_overstays(now=END + minutes(11))

    assert (fresh(reservation).reason, Overstay.objects.count()) == (Reason.PRESUMED_LEFT, 0)


def test_a_stay_that_nobody_saw_end_is_over_after_a_day():
    reservation = overstayer(make_shared_lot())
    attend_overstays(now=END + hours(1))
    sense(reservation.space, Occupancy.OCCUPIED, at=END + hours(24))

    attend_overstays(now=END + hours(24) + minutes(1))

    assert fresh(reservation).reason == Reason.PRESUMED_LEFT
    assert Overstay.objects.get().ended_at == END + hours(24) + minutes(1)


def test_a_car_that_was_let_in_and_never_heard_of_again_is_over_after_a_day():
    reservation = announced(make_shared_lot(), ends_in=2)
    expect_arrival(reservation_id=reservation.pk, now=NOW + hours(1))

    attend_overstays(now=END + hours(24))
    assert fresh(reservation).status == Status.ASSIGNED
    attend_overstays(now=END + hours(24) + minutes(1))

    gone = fresh(reservation)
    assert (gone.status, gone.reason, Overstay.objects.count()) == (Status.COMPLETED, Reason.PRESUMED_LEFT, 0)


def test_one_reservation_that_fails_does_not_stop_the_others():
    lot = make_shared_lot(spaces=2)
    failing, other = overstayer(lot), overstayer(lot)
    Overstay.objects.create(
        reservation=failing,
        space=failing.space,
        began_at=END,
        charged_from=END,
        cents_an_hour=2**31 - 1,
        currency="CNY",
    )

    attend_overstays(now=END + hours(10))

    assert Overstay.objects.get(reservation=other).penalty_cents > 0
    assert Overstay.objects.get(reservation=failing).penalty_cents == 0


def test_a_reminder_that_fails_does_not_stop_the_others():
    failing, other = overstayer(make_shared_lot()), overstayer(make_shared_lot())
    Lot.objects.filter(pk=failing.lot_id).update(time_zone="Nowhere/At_all")

    attend_overstays(now=END - minutes(10))

    assert Notice.objects.get(kind=Notice.Kind.ENDING_SOON).reservation == other
