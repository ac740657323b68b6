from datetime import timedelta

import pytest

from allocation import services
from allocation.alternatives import alternatives_for
from allocation.models import LotPolicy
from parking_share.accounts.models import SizeClass
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import BookingLimits, Space
from tests.domain.test_decide import ask
from tests.domain.test_learnt_use import counted, make_learnt
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db

A_HUNDRED_METRES = 0.0009  # of latitude, in degrees


def refused(lot, **wish) -> Reservation:
    """A request that found the lot full from 9 to 10 o'clock in Shanghai."""
    ask(lot, starts_in=1, ends_in=2)
    declined = ask(lot, **{"starts_in": 1, "ends_in": 2, **wish})
    services.decide(lot_id=lot.pk, now=NOW)
    declined.refresh_from_db()
    assert declined.status == Status.DECLINED
    return declined


def make_near(steps: int, **fields):
    return make_shared_lot(latitude=22.55 + steps * A_HUNDRED_METRES, **fields)


def test_times_leave_out_those_at_which_the_car_is_elsewhere():
    driver = make_user()
    car = make_vehicle(driver)
    full, elsewhere = make_shared_lot(ends_at=NOW + hours(3)), make_shared_lot()
    ask(elsewhere, starts_in=2, ends_in=4, driver=driver, vehicle=car)
    services.decide(lot_id=elsewhere.pk, now=NOW)
    declined = refused(full, driver=driver, vehicle=car)

    found = alternatives_for(declined, now=NOW)

    assert declined.reason == Reason.NO_FREE_SPACE
    assert [one.starts_at - NOW for one in found.times] == [hours(0)]
    assert list(found.cars) == [car]


def test_lots_within_a_walk_are_offered_for_the_same_time_the_nearest_first():
    declined = refused(make_shared_lot())
    further, nearer = make_near(5, peak_rate_cents=100), make_near(2, peak_rate_cents=900)
    make_near(9)

    found = alternatives_for(declined, now=NOW)

    assert [one.lot for one in found.lots] == [nearer, further]
    assert [round(one.distance_m, -2) for one in found.lots] == [200, 500]
    assert {(one.starts_at, one.ends_at) for one in found.lots} == {(declined.starts_at, declined.ends_at)}
    assert found.lots[0].price_cents == 9 * found.lots[1].price_cents > 0


def test_a_lot_is_offered_whatever_gap_is_left_where_nobody_else_is_expected():
    full = make_shared_lot()
    ask(full, starts_in=0.25, ends_in=0.5)
    declined = ask(full, starts_in=0.25, ends_in=0.5)
    services.decide(lot_id=full.pk, now=NOW)
    declined.refresh_from_db()
    near = make_near(1)

    found = alternatives_for(declined, now=NOW)

    assert declined.reason == Reason.NO_FREE_SPACE
    assert [one.lot for one in found.lots] == [near]


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param({"is_open": False}, id="closed"),
        pytest.param({"starts_at": NOW + hours(1.5)}, id="not shared for the whole period"),
        pytest.param({"spaces": 0}, id="without bays"),
    ],
)
def test_a_lot_that_would_say_no_is_not_offered(unfit):
    declined = refused(make_shared_lot())
    make_near(1, **unfit)

    assert list(alternatives_for(declined, now=NOW).lots) == []


def test_limits_and_bays_that_do_not_suit_count_as_a_no():
    driver = make_user()
    declined = refused(make_shared_lot(), driver=driver, vehicle=make_vehicle(driver, size=SizeClass.LARGE))
    too_short, _too_small = make_near(1), make_near(2)
    BookingLimits.objects.create(lot=too_short, longest_stay_min=45)
    Space.objects.filter(lot=too_short).update(size=SizeClass.LARGE)

    assert list(alternatives_for(declined, now=NOW).lots) == []

    BookingLimits.objects.filter(lot=too_short).delete()
    assert [one.lot for one in alternatives_for(declined, now=NOW).lots] == [too_short]


def test_a_policy_that_keeps_its_bays_for_others_is_not_offered():
    declined = refused(make_shared_lot())
    busy = make_near(1, spaces=1)
    LotPolicy.objects.create(lot=busy, name="revenue")
    half_past = [0, 0, *counted(h8=4000, h9=4000)[:-2]]  # for an hour and a half each: both want the half before ten
    usual = {"arrivals": half_past, "asked_days": 40, "wanted_lengths": [0] * 5 + [8000] + [0] * 90}

    before = [one.lot for one in alternatives_for(declined, now=NOW).lots]
    make_learnt(busy, **usual, lead_total_h=0)

    assert before == [busy]
    assert list(alternatives_for(declined, now=NOW).lots) == []


def test_a_closed_lot_is_no_longer_asked_but_others_are():
    lot, other = make_shared_lot(), make_near(1)
    declined = refused(lot)
    Reservation.objects.filter(pk=declined.pk).update(reason=Reason.LOT_CLOSED)
    declined.refresh_from_db()

    found = alternatives_for(declined, now=NOW)

    assert (list(found.times), [one.lot for one in found.lots]) == ([], [other])


@pytest.mark.parametrize(
    ("reason", "later"), [(Reason.VEHICLE_IS_BOOKED, timedelta(0)), (Reason.NO_FREE_SPACE, timedelta(days=2))]
)
def test_nothing_is_offered_where_nothing_else_would_help(reason, later):
    declined = refused(make_shared_lot())
    make_near(1)
    declined.reason = reason

    found = alternatives_for(declined, now=NOW + later)

    assert (list(found.times), list(found.lots)) == ([], [])


def test_asking_changes_nothing():
    lot = make_lot()
    declined = refused(make_shared_lot())
    make_near(1)
    before = list(Reservation.objects.values())

    first, second = (alternatives_for(declined, now=NOW) for _ in range(2))

    assert first == second
    assert list(Reservation.objects.values()) == before
    assert lot.pk not in {one.lot.pk for one in first.lots}
