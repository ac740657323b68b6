"""Back on time: of how many shares, and in how many of them."""

from datetime import timedelta

import pytest

from allocation.keeping import rehome
from parking_share.fulfilment.models import Overstay
from parking_share.fulfilment.overstays import attend_overstays
from parking_share.fulfilment.returns import Returns, return_rate, returns_by_space
from parking_share.reservations.services import record_departure
from parking_share.reservations.states import Reason
from sensors.models import Stay
from tests.domain.lives import accepted, parked
from tests.factories import NOW, hours, make_shared_lot, make_space, make_user, make_window

pytestmark = pytest.mark.django_db

WINDOW_ENDS = NOW + hours(4)
LATER = NOW + hours(24)


def shared_bay(**fields):
    space = make_space(make_shared_lot(spaces=0), **{"return_margin_min": 15} | fields)
    make_window(space, NOW, WINDOW_ENDS)
    return space


def used(space, *, left_after=0.0, starts_in=1, ends_in=4):
    """Parked, and left so many minutes after the window's end."""
    reservation = parked(space.lot, starts_in=starts_in, ends_in=ends_in)
    record_departure(reservation_id=reservation.pk, actor=None, now=WINDOW_ENDS + timedelta(minutes=left_after))
    return reservation


def test_without_a_share_there_is_no_data_yet():
    space = shared_bay()
    accepted(space.lot)

    returns = return_rate(space, now=LATER)

    assert (returns, returns.per_cent, returns.late) == (Returns(), None, 0)
    assert return_rate(make_user(), now=LATER) == Returns()


@pytest.mark.parametrize(("left_after", "on_time"), [(-60, 1), (0, 1), (15, 1), (16, 0)])
def test_bay_is_back_on_time_within_the_margin(left_after, on_time):
    space = shared_bay()
    used(space, left_after=left_after)

    assert return_rate(space, now=LATER) == Returns(shares=1, on_time=on_time)


def test_a_share_counts_once_it_is_over_and_once_however_many_parked_in_it():
    space = shared_bay()
    first = parked(space.lot, starts_in=1, ends_in=2)
    record_departure(reservation_id=first.pk, actor=None, now=NOW + hours(2))
    used(space, starts_in=2, left_after=30)

    assert return_rate(space, now=WINDOW_ENDS - timedelta(minutes=1)) == Returns()
    assert return_rate(space, now=LATER) == Returns(shares=1, on_time=0)


def test_a_car_that_still_stands_there_is_late_as_soon_as_it_is():
    space = shared_bay()
    parked(space.lot, ends_in=4)

    assert return_rate(space, now=WINDOW_ENDS + timedelta(minutes=15)) == Returns(shares=1, on_time=1)
    assert return_rate(space, now=WINDOW_ENDS + timedelta(minutes=16)) == Returns(shares=1, on_time=0)


def test_who_is_presumed_to_have_left_is_no_proof_of_lateness():
    space = shared_bay()
    parked(space.lot, ends_in=4)
    attend_overstays(now=WINDOW_ENDS + timedelta(minutes=30))

    assert return_rate(space, now=LATER) == Returns(shares=1, on_time=1)


@pytest.mark.parametrize("proof", ["overstay", "sensor"])
def test_what_overstays_and_bay_sensors_know_better_counts(proof):
    space = shared_bay()
    reservation = used(space, left_after=0)
    late = WINDOW_ENDS + timedelta(minutes=20)
    if proof == "overstay":
        Overstay.objects.create(
            reservation=reservation,
            space=space,
            began_at=WINDOW_ENDS,
            ended_at=late,
            charged_from=WINDOW_ENDS,
            cents_an_hour=1,
            currency="CNY",
        )
    else:
        Stay.objects.create(
            lot=space.lot, space=space, reservation=reservation, source="BAY_SENSOR", began_at=NOW, ended_at=late
        )

    assert return_rate(space, now=LATER) == Returns(shares=1, on_time=0)


def test_who_was_moved_away_in_time_gave_the_bay_back_in_time():
    space = shared_bay()
    reservation = parked(space.lot, ends_in=4)
    other = make_space(space.lot)
    make_window(other, NOW, NOW + hours(12))
    rehome(reservation_ids=[reservation.pk], reason=Reason.BAY_TAKEN, now=NOW + hours(2), even_parked=True)
    record_departure(reservation_id=reservation.pk, actor=None, now=NOW + hours(12))

    assert returns_by_space([space.pk, other.pk], now=LATER) == {
        space.pk: Returns(shares=1, on_time=1),
        other.pk: Returns(shares=1, on_time=1),
    }


def test_owner_and_lot_are_the_sum_of_their_bays_and_strangers_bays_do_not_count():
    owner = make_user()
    lot = make_shared_lot(spaces=0)
    own = [make_space(lot, owner=owner) for _ in range(2)]
    for space in own:
        make_window(space, NOW, WINDOW_ENDS)
    rows = [parked(lot, ends_in=4) for _ in own]
    for row, left_after in zip(rows, (0, 60), strict=True):
        record_departure(reservation_id=row.pk, actor=None, now=WINDOW_ENDS + timedelta(minutes=left_after))
    theirs = shared_bay()
    used(theirs)

    assert return_rate(owner, now=LATER) == return_rate(lot, now=LATER) == Returns(shares=2, on_time=1)
    assert return_rate(lot, now=LATER).per_cent == 50
    assert return_rate(owner, now=LATER, since=LATER - timedelta(hours=1)) == Returns()


def test_many_bays_cost_one_query(django_assert_num_queries):
    spaces = [shared_bay() for _ in range(3)]
    for space in spaces:
        used(space)

    with django_assert_num_queries(1):
        counted = returns_by_space([space.pk for space in spaces], now=LATER)
    assert set(counted.values()) == {Returns(shares=1, on_time=1)}
