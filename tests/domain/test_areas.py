from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allocation import services
from allocation.area_models import AreaRequest, AreaWeights
from allocation.areas import Area, AreaWish, WeightsRefused, blur_points, change_weights, decide_area, request_in_area
from allocation.models import Decision, LotPolicy
from parking_share.reservations.invariants import check_invariants
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import RequestRefused, cancel_reservation
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import BookingLimits
from tests.domain.test_alternatives import make_near
from tests.domain.test_decide import ask
from tests.domain.test_learnt_use import counted, make_learnt
from tests.domain.test_races import at_once, deadlocks
from tests.factories import NOW, hours, make_user, make_vehicle

pytestmark = pytest.mark.django_db
HERE = Area(latitude=22.55, longitude=114.11, radius_m=400)


def ask_around(driver=None, vehicle=None, starts_in=1, ends_in=3, radius_m=400) -> Reservation:
    driver = driver or make_user()
    wish = AreaWish(
        area=Area(latitude=HERE.latitude, longitude=HERE.longitude, radius_m=radius_m),
        vehicles=[vehicle or make_vehicle(driver)],
        starts_at=NOW + hours(starts_in),
        ends_at=NOW + hours(ends_in),
    )
    return request_in_area(driver=driver, wish=wish, now=NOW)


def decided(reservation: Reservation) -> Reservation:
    assert decide_area(reservation_id=reservation.pk, now=NOW)
    reservation.refresh_from_db()
    return reservation


def considered(reservation: Reservation) -> list[tuple[int, str]]:
    """Lots from the best to the worst with why they said no."""
    rows: list[Any] = AreaRequest.objects.get(reservation=reservation).considered
    return [(row["lot"], row["refusal"]) for row in rows]


def assert_promises_hold() -> None:
    assert {one.name: one.rows for one in check_invariants(now=NOW, since=NOW - hours(24)) if one.rows} == {}


def test_a_cheaper_lot_wins_until_the_walk_eats_up_what_it_saves():
    near = make_near(0, peak_rate_cents=600)
    cheaper = make_near(3, peak_rate_cents=400)
    weights = {"sustainability_cents": 0, "changed_by": make_user(), "now": NOW}

    lots = []
    for walk in (0, 1000):
        change_weights(walk_cents_per_100m=walk, **weights)
        lots.append(decided(ask_around()).lot)

    assert lots == [cheaper, near]


def test_the_lot_where_it_fits_without_a_gap_wins_over_one_as_dear_and_as_near():
    make_near(1)
    fitting = make_near(1, starts_at=NOW + hours(1), ends_at=NOW + hours(3))

    chosen = decided(ask_around())

    assert (chosen.lot, chosen.status, chosen.space.lot) == (fitting, Status.ACCEPTED, fitting)


def test_one_reservation_comes_of_it_with_the_price_of_the_chosen_lot_and_what_was_weighed():
    dear, cheap, far = make_near(0, peak_rate_cents=5000), make_near(2, peak_rate_cents=500), make_near(6)
    asked = ask_around()
    assert (asked.lot, asked.status) == (dear, Status.REQUESTED)

    chosen = decided(asked)

    area = chosen.area
    assert (Reservation.objects.count(), chosen.pk, chosen.lot) == (1, asked.pk, cheap)
    assert [one["lot"] for one in area.considered] == [cheap.pk, dear.pk]
    assert chosen.price_cents == area.considered[0]["price_cents"] < area.considered[1]["price_cents"]
    assert [one["walk_m"] for one in area.considered] == [200, 0]
    expected = chosen.price_cents + 200 + 30 * area.considered[0]["cost"]
    assert area.considered[0]["total"] == pytest.approx(expected, abs=0.01)
    assert (area.considered[1]["total"], area.considered[1]["refusal"]) == (None, "")  # too dear to be asked
    assert (area.decided_at, area.weights_version) == (NOW, 0)
    assert Decision.objects.get().reason == Reason.ROOM_FOUND
    assert [event.to_status for event in chosen.events.all()] == [Status.REQUESTED, Status.ACCEPTED]
    assert far.pk not in [one["lot"] for one in area.considered]
    assert_promises_hold()


def test_who_asks_for_an_area_is_not_declined_for_gaps_that_nobody_is_expected_to_want():
    lot = make_near(0)

    chosen = decided(ask_around(starts_in=0.25, ends_in=0.5))

    assert (chosen.status, considered(chosen)) == (Status.ACCEPTED, [(lot.pk, "")])


def test_full_lots_are_passed_over_and_say_why():
    full, free = make_near(0), make_near(3)
    ask(full)
    services.decide(lot_id=full.pk, now=NOW)

    chosen = decided(ask_around())

    assert (chosen.lot, considered(chosen)) == (free, [(free.pk, ""), (full.pk, "no_free_space")])


def test_where_all_lots_say_no_the_reason_is_that_of_the_nearest():
    near, further = make_near(0), make_near(2)
    for lot in (near, further):
        ask(lot)
        services.decide(lot_id=lot.pk, now=NOW)

    declined = decided(ask_around())

    assert (declined.status, declined.reason, declined.lot) == (Status.DECLINED, Reason.NO_FREE_SPACE, near)
    assert set(considered(declined)) == {(near.pk, "no_free_space"), (further.pk, "no_free_space")}
    assert declined.area.decided_at == NOW


def test_a_lot_that_keeps_its_bays_for_others_gives_way_to_the_next_best():
    busy, next_best = make_near(0), make_near(3, peak_rate_cents=5000)
    LotPolicy.objects.create(lot=busy, name="revenue")
    half_past = [0, 0, *counted(h8=4000, h9=4000)[:-2]]
    make_learnt(busy, arrivals=half_past, asked_days=40, wanted_lengths=[0] * 5 + [8000] + [0] * 90)

    chosen = decided(ask_around(starts_in=1, ends_in=2))

    assert chosen.lot == next_best
    assert considered(chosen) == [(next_best.pk, ""), (busy.pk, "expected_demand_outweighs_revenue")]


def test_the_lots_limits_count_where_one_forbids_the_other_may_not():
    strict, free = make_near(0), make_near(2)
    BookingLimits.objects.create(lot=strict, longest_stay_min=60)

    asked = ask_around()
    chosen = decided(asked)

    assert (asked.lot, chosen.lot) == (free, free)
    assert considered(chosen) == [(free.pk, ""), (strict.pk, "limits_or_cars")]


def test_a_car_that_is_elsewhere_then_is_declined():
    make_near(1)
    driver = make_user()
    car = make_vehicle(driver)
    other = make_near(50)
    ask(other, driver=driver, vehicle=car)
    services.decide(lot_id=other.pk, now=NOW)

    assert decided(ask_around(driver=driver, vehicle=car)).reason == Reason.VEHICLE_IS_BOOKED


def test_nothing_within_reach_is_refused_at_once():
    make_near(9)

    with pytest.raises(RequestRefused) as refusal:
        ask_around()

    assert refusal.value.code == "nothing_in_reach"
    assert not Reservation.objects.exists()


def test_an_ordinary_round_leaves_it_alone_and_a_second_decision_changes_nothing():
    lot = make_near(0, spaces=2)
    asked = ask_around()
    ask(lot)

    assert services.decide(lot_id=lot.pk, now=NOW) == 1
    asked.refresh_from_db()
    assert asked.status == Status.REQUESTED

    before = decided(asked).space
    assert not decide_area(reservation_id=asked.pk, now=NOW + hours(0.5))
    asked.refresh_from_db()
    assert (asked.status, asked.space) == (Status.ACCEPTED, before)


def test_who_asked_a_lot_earlier_comes_first():
    lot = make_near(0)
    first = ask(lot)

    second = decided(ask_around())

    first.refresh_from_db()
    assert (first.status, second.status) == (Status.ACCEPTED, Status.DECLINED)


def test_a_request_that_was_taken_back_is_not_decided():
    make_near(0)
    asked = ask_around()
    cancel_reservation(reservation_id=asked.pk, actor=asked.driver, now=NOW)

    assert not decide_area(reservation_id=asked.pk, now=NOW)
    assert not Decision.objects.exists()


def test_the_sweep_rings_for_what_nobody_decided(monkeypatch):
    make_near(0)
    asked, rung = ask_around(), []
    monkeypatch.setattr("parking_share.bells.ring", lambda name, **what: rung.append((name, what)))

    services.ring_for_what_waits(now=NOW + timedelta(seconds=1))
    early = list(rung)
    services.ring_for_what_waits(now=NOW + timedelta(seconds=3))

    assert (early, rung) == ([], [("allocation.decide_area", {"reservation_id": asked.pk})])


@pytest.mark.parametrize("lots", [2, 6])
def test_the_number_of_queries_does_not_depend_on_the_number_of_lots(lots):
    for step in range(lots):
        make_near(step / 2)
    decided(ask_around())
    asked = ask_around()

    with CaptureQueriesContext(connection) as captured:
        decided(asked)

    assert len(captured) == 30


def test_weights_are_versioned_and_bounded():
    operator = make_user()
    change_weights(walk_cents_per_100m=10, sustainability_cents=0, changed_by=operator, now=NOW)
    change_weights(walk_cents_per_100m=20, sustainability_cents=5, changed_by=operator, now=NOW + hours(1))

    versions = AreaWeights.objects.order_by("version").values_list("version", "superseded_at")
    assert list(versions) == [(1, NOW + hours(1)), (2, None)]
    with pytest.raises(WeightsRefused):
        change_weights(walk_cents_per_100m=10**9, sustainability_cents=0, changed_by=operator, now=NOW)


def test_where_somebody_wanted_to_be_is_forgotten_but_roughly_after_half_a_year():
    make_near(0)
    asked = decided(ask_around())
    AreaRequest.objects.update(latitude=22.54321, longitude=114.11679)

    early = blur_points(now=asked.ends_at + timedelta(days=179))
    late = [blur_points(now=asked.ends_at + timedelta(days=181)) for _ in range(2)]

    area = AreaRequest.objects.get()
    assert (early, late, area.latitude, area.longitude) == (0, [1, 0], 22.54, 114.12)


@pytest.mark.django_db(transaction=True)
def test_areas_that_overlap_and_requests_for_lots_at_once_lose_and_double_nothing():
    lots = [make_near(step / 2, spaces=2) for step in range(4)]
    around = [ask_around(starts_in=1 + number % 2) for number in range(10)]
    direct = [ask(lots[number % 4]) for number in range(6)]
    before = deadlocks()

    answers = at_once(
        [lambda pk=one.pk: decide_area(reservation_id=pk, now=NOW) for one in around * 2]
        + [lambda pk=lot.pk: services.decide(lot_id=pk, now=NOW) for lot in lots * 2]
    )

    assert [error for error in answers if isinstance(error, Exception)] == []
    assert deadlocks() == before
    assert sum(answer is True for answer in answers) == len(around)
    statuses = list(Reservation.objects.values_list("status", flat=True))
    assert (statuses.count("ACCEPTED"), statuses.count("DECLINED")) == (8, len(around) + len(direct) - 8)
    assert Decision.objects.count() == len(around) + len(direct)
    assert_promises_hold()


@pytest.mark.django_db(transaction=True)
def test_one_car_asked_for_in_many_areas_at_once_is_promised_one_bay():
    for step in range(3):
        make_near(step, spaces=3)
    driver = make_user()
    car = make_vehicle(driver)
    asked = [ask_around(driver=driver, vehicle=car) for _ in range(6)]

    answers = at_once([lambda pk=one.pk: decide_area(reservation_id=pk, now=NOW) for one in asked])

    assert [error for error in answers if isinstance(error, Exception)] == []
    reasons = sorted(Reservation.objects.values_list("reason", flat=True))
    assert reasons == [Reason.ROOM_FOUND, *[Reason.VEHICLE_IS_BOOKED] * 5]
    assert_promises_hold()
