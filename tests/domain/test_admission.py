"""What gates are answered, rule by rule."""

import pytest
from django.utils import translation

from parking_share.accounts.models import User
from parking_share.fulfilment import lists
from parking_share.fulfilment.admission import answer_gate
from parking_share.fulfilment.models import GateAnswer, LotRules
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import cancel_reservation
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate, Resident
from sensors.models import Kind
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_user, make_vehicle
from tests.gates import ask, book, make_camera, make_gate, minutes, plate_of_car, store

pytestmark = pytest.mark.django_db
Verdict = GateAnswer.Verdict


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def lot():
    return make_shared_lot(spaces=3, starts_at=NOW - hours(4), ends_at=NOW + hours(20))


@pytest.fixture
def camera(lot):
    return make_camera(make_gate(lot))


def verdict(answer):
    return answer.verdict, answer.opens


def test_reserved_car_is_let_in_and_told_its_bay(lot, camera):
    mine = book(lot)

    answer = ask(camera, plate_of_car(mine))

    assert verdict(answer) == (Verdict.RESERVED, True)
    assert (answer.space_label, answer.until) == (mine.space.label, mine.held_until)
    assert answer.sentence == f"Welcome. Bay {mine.space.label} is yours until 10:00."
    row = GateAnswer.objects.get()
    assert (row.opens, row.verdict, row.reservation, row.gate) == (True, "RESERVED", mine, camera.gate)
    assert row == answer.gate_answer


def test_admission_takes_the_reservation_out_of_lapsing(lot, camera):
    mine = book(lot)
    assert mine.lapses_at is not None

    ask(camera, plate_of_car(mine))

    mine.refresh_from_db()
    assert (mine.status, mine.lapses_at) == (Status.ASSIGNED, None)


def test_ordinary_admission_takes_four_queries_after_the_accept(lot, camera, django_assert_num_queries):
    """Store, candidates, expect the arrival, record: with the accept before them five."""
    plate = plate_of_car(book(lot))

    with django_assert_num_queries(4):
        answer = ask(camera, plate)

    assert answer.opens


@pytest.mark.parametrize(
    ("early_min", "expected"),
    [(0, Verdict.RESERVED), (15, Verdict.RESERVED), (15.1, Verdict.ADMITTED_EARLY), (134, Verdict.ADMITTED_EARLY)],
)
def test_early_car_is_let_in_by_right_within_the_grace_and_by_favour_before_it(lot, camera, early_min, expected):
    mine = book(lot, starts_in=3, ends_in=5)

    answer = ask(camera, plate_of_car(mine), mine.starts_at - minutes(early_min))

    assert verdict(answer) == (expected, True)


def test_early_car_holds_its_bay_from_now_on(lot, camera):
    mine = book(lot, starts_in=1, ends_in=2, status=Status.ACCEPTED)

    answer = ask(camera, plate_of_car(mine))

    mine.refresh_from_db()
    assert verdict(answer) == (Verdict.ADMITTED_EARLY, True)
    assert (mine.status, mine.held_from, mine.lapses_at) == (Status.ASSIGNED, NOW, None)
    assert (mine.starts_at, answer.space_label) == (NOW + hours(1), mine.space.label)


def test_early_car_without_a_free_bay_is_told_when_to_come(camera, lot):
    for _ in range(3):
        book(lot, starts_in=0, ends_in=1)
    mine = book(lot, starts_in=1, ends_in=2, status=Status.ACCEPTED)

    answer = ask(camera, plate_of_car(mine))

    assert verdict(answer) == (Verdict.TOO_EARLY, False)
    assert "09:00" in answer.sentence
    assert Reservation.objects.get(pk=mine.pk).status == Status.ACCEPTED


def test_car_that_comes_hours_too_early_is_told_when_to_come(lot, camera):
    mine = book(lot, starts_in=5, ends_in=6)

    answer = ask(camera, plate_of_car(mine))

    assert verdict(answer) == (Verdict.TOO_EARLY, False)
    assert answer.sentence == "You are too early. Please come from 12:45 on."


def test_reservation_in_its_time_that_was_never_announced_gets_its_bay_at_the_gate(lot, camera):
    mine = book(lot, status=Status.ACCEPTED)

    answer = ask(camera, plate_of_car(mine))

    mine.refresh_from_db()
    assert verdict(answer) == (Verdict.RESERVED, True)
    assert (mine.status, mine.lapses_at, answer.space_label) == (Status.ASSIGNED, None, mine.space.label)


def test_within_the_grace_a_car_is_let_in_though_its_bay_is_free_only_later(camera, lot):
    for _ in range(3):
        book(lot, starts_in=0, ends_in=1)
    mine = book(lot, starts_in=1, ends_in=2, status=Status.ACCEPTED)

    answer = ask(camera, plate_of_car(mine), NOW + minutes(50))

    mine.refresh_from_db()
    assert verdict(answer) == (Verdict.RESERVED, True)
    assert (mine.status, mine.held_from, mine.lapses_at) == (Status.ASSIGNED, NOW + hours(1), None)


def test_grace_is_the_lots_own(lot, camera):
    LotRules.objects.create(lot=None, early_grace_min=5)
    LotRules.objects.create(lot=lot, early_grace_min=60)
    mine = book(lot, starts_in=2, ends_in=3)

    assert verdict(ask(camera, plate_of_car(mine), NOW + hours(1))) == (Verdict.RESERVED, True)
    assert verdict(ask(camera, plate_of_car(mine), NOW + minutes(59))) == (Verdict.ADMITTED_EARLY, True)


def test_after_the_end_nobody_comes_in(lot, camera):
    mine = book(lot, ends_in=0.5)

    assert verdict(ask(camera, plate_of_car(mine), mine.ends_at - minutes(0.1))) == (Verdict.RESERVED, True)
    assert verdict(ask(camera, plate_of_car(mine), mine.ends_at)) == (Verdict.TOO_LATE, False)


def test_cancelled_reservation_lets_nobody_in(lot, camera):
    mine = book(lot)
    cancel_reservation(reservation_id=mine.pk, actor=mine.driver, now=NOW)

    assert verdict(ask(camera, plate_of_car(mine))) == (Verdict.UNKNOWN_PLATE, False)


def test_reservation_of_another_lot_lets_nobody_in(camera):
    theirs = book(make_shared_lot(starts_at=NOW - hours(1)))

    assert verdict(ask(camera, plate_of_car(theirs))) == (Verdict.UNKNOWN_PLATE, False)


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.ASSIGNED])
def test_car_that_comes_after_its_hold_lapsed_gets_another_where_one_is_free(lot, camera, status):
    mine = book(lot, ends_in=3, status=status)

    answer = ask(camera, plate_of_car(mine), mine.lapses_at)

    again = Reservation.objects.exclude(pk=mine.pk).get()
    assert verdict(answer) == (Verdict.RESERVED, True)
    assert (again.status, again.driver, again.lapses_at) == (Status.ASSIGNED, mine.driver, None)
    assert (again.starts_at, again.ends_at) == (mine.lapses_at, mine.ends_at)
    assert GateAnswer.objects.get().reservation == again
    assert Reservation.objects.get(pk=mine.pk).status in {Status.EXPIRED, Status.RELEASED}


def test_car_that_comes_after_its_hold_lapsed_is_told_so_where_nothing_is_free(lot, camera):
    mine = book(lot, ends_in=3)
    for _ in range(3):
        book(lot, starts_in=0, ends_in=3, now=mine.lapses_at, status=Status.ACCEPTED)

    answer = ask(camera, plate_of_car(mine), mine.lapses_at)

    assert verdict(answer) == (Verdict.TOO_LATE, False)
    assert "given back" in answer.sentence


def test_request_that_nobody_has_decided_is_decided_at_the_gate(lot, camera):
    mine = book(lot, status=Status.REQUESTED)

    answer = ask(camera, plate_of_car(mine))

    assert verdict(answer) == (Verdict.RESERVED, True)
    assert Reservation.objects.get().status == Status.ASSIGNED


def test_parked_car_may_come_in_again_in_its_time(lot, camera):
    mine = book(lot)
    Reservation.objects.filter(pk=mine.pk).update(status=Status.PARKED)

    assert verdict(ask(camera, plate_of_car(mine))) == (Verdict.RESERVED, True)


def test_resident_comes_in_at_any_time(lot, camera):
    neighbour = make_user()
    car = make_vehicle(neighbour)
    Resident.objects.create(lot=lot, user=neighbour)

    assert verdict(ask(camera, car.plate)) == (Verdict.RESIDENT, True)
    User.objects.filter(pk=neighbour.pk).update(is_active=False)
    assert verdict(ask(camera, car.plate)) == (Verdict.UNKNOWN_PLATE, False)


def test_resident_of_another_lot_and_removed_car_stay_out(lot, camera):
    neighbour, other = make_user(), make_user()
    Resident.objects.create(lot=make_lot(), user=neighbour)
    Resident.objects.create(lot=lot, user=other)
    sold = make_vehicle(other)
    type(sold).objects.filter(pk=sold.pk).update(removed_at=NOW)

    assert verdict(ask(camera, make_vehicle(neighbour).plate)) == (Verdict.UNKNOWN_PLATE, False)
    assert verdict(ask(camera, sold.plate)) == (Verdict.UNKNOWN_PLATE, False)


def test_listed_car_comes_in_in_its_time(lot, camera):
    manager = make_user()
    row = lists.add_plate(
        lot=lot, actor=manager, plate="粤B·1X345", valid_from=NOW, valid_until=NOW + hours(1), now=NOW
    )

    assert verdict(ask(camera, "粤B1X345", NOW - minutes(1))) == (Verdict.UNKNOWN_PLATE, False)
    assert verdict(ask(camera, "粤B1X345", NOW)) == (Verdict.LISTED, True)
    assert verdict(ask(camera, "粤B1X345", NOW + hours(1))) == (Verdict.UNKNOWN_PLATE, False)
    lists.remove_plate(lot=lot, listed_id=row.pk, now=NOW)
    assert verdict(ask(camera, "粤B1X345", NOW)) == (Verdict.UNKNOWN_PLATE, False)


def test_confusable_plate_with_one_candidate_comes_in(lot, camera):
    mine = book(lot, plate="粤B10S25")

    assert verdict(ask(camera, "粤BL0525")) == (Verdict.RESERVED, True)
    assert GateAnswer.objects.get().reservation == mine


def test_confusable_plate_with_two_candidates_stays_out(lot, camera):
    book(lot, plate="粤B10S25")
    book(lot, plate="粤B1D525")

    assert verdict(ask(camera, "粤B10525")) == (Verdict.AMBIGUOUS, False)
    assert verdict(ask(camera, "粤B10S25")) == (Verdict.RESERVED, True)


def test_confusable_plate_counts_only_who_may_come_in_now(lot, camera):
    mine = book(lot, plate="粤B10S25")
    book(lot, plate="粤B1D525", starts_in=6, ends_in=7)
    book(make_shared_lot(starts_at=NOW - hours(1)), plate="粤BL0525")

    assert verdict(ask(camera, "粤B10525")) == (Verdict.RESERVED, True)
    assert GateAnswer.objects.get().reservation == mine


def test_confusable_plate_of_a_lists_car_and_a_reservation_stays_out(lot, camera):
    book(lot, plate="粤B10S25")
    lists.add_plate(lot=lot, actor=make_user(), plate="粤B1D525", valid_from=NOW, now=NOW)

    assert verdict(ask(camera, "粤B10525")) == (Verdict.AMBIGUOUS, False)


def test_plate_of_a_known_car_is_never_taken_for_another(lot, camera):
    book(lot, plate="粤B10S25")
    make_vehicle(make_user(), "粤B10525")

    assert verdict(ask(camera, "粤B10525")) == (Verdict.UNKNOWN_PLATE, False)


def test_confusable_plate_books_nothing_again(lot, camera):
    mine = book(lot, plate="粤B10S25", ends_in=3)

    assert verdict(ask(camera, "粤B10525", mine.lapses_at)) == (Verdict.UNKNOWN_PLATE, False)
    assert Reservation.objects.count() == 1


def test_what_the_camera_would_also_believe_opens_nothing(lot, camera):
    mine = book(lot)

    answer = ask(camera, "粤B98765", alternatives=(plate_of_car(mine),))

    assert verdict(answer) == (Verdict.UNKNOWN_PLATE, False)


@pytest.mark.parametrize("nothing", ["_无_", "", "无", "---"])
def test_no_plate_opens_nothing(lot, camera, nothing):
    book(lot)

    assert verdict(ask(camera, nothing)) == (Verdict.NO_PLATE, False)
    assert verdict(ask(camera, nothing, kind=Kind.EXIT)) == (Verdict.NO_PLATE, False)


def test_reading_that_comes_late_opens_nothing(lot, camera):
    plate = plate_of_car(book(lot))

    assert verdict(ask(camera, plate, is_live=False)) == (Verdict.NOT_LIVE, False)
    assert verdict(ask(camera, plate, NOW + minutes(6), at=NOW)) == (Verdict.NOT_LIVE, False)


def test_reading_that_comes_twice_opens_once(lot, camera):
    plate = plate_of_car(book(lot))

    first = ask(camera, plate, source_key="the same")
    second = ask(camera, plate, source_key="the same")

    assert (verdict(first), verdict(second)) == ((Verdict.RESERVED, True), (Verdict.NOT_LIVE, False))


@pytest.mark.parametrize(
    ("lane", "kind"), [(Gate.Kind.EXIT, Kind.ENTER), (Gate.Kind.ENTRY, Kind.EXIT), (Gate.Kind.BOTH, Kind.PASS)]
)
def test_lane_opens_only_in_its_direction(lot, lane, kind):
    camera = make_camera(make_gate(lot, lane))

    assert verdict(ask(camera, plate_of_car(book(lot)), kind=kind)) == (Verdict.NOT_THIS_LANE, False)


def test_reading_of_a_device_without_a_gate_leaves_no_answer(lot, camera):
    type(camera).objects.filter(pk=camera.pk).update(gate=None)

    lost = ask(camera, plate_of_car(book(lot)))

    assert (lost.opens, lost.gate_answer) == (False, None)


def test_sign_of_life_opens_nothing(camera):
    answer = answer_gate(seen=store(camera, Kind.HEARTBEAT, NOW), now=NOW)

    assert verdict(answer) == (Verdict.NOT_THIS_LANE, False)


@pytest.mark.parametrize("late_h", [1, 3, 20])
def test_parked_car_leaves_however_late(lot, camera, late_h):
    mine = book(lot)
    Reservation.objects.filter(pk=mine.pk).update(status=Status.PARKED)

    answer = ask(camera, plate_of_car(mine), NOW + hours(late_h), kind=Kind.EXIT)

    assert verdict(answer) == (Verdict.LEAVING, True)
    assert answer.gate_answer.reservation == mine


def test_strangers_may_leave_and_are_recorded_as_such(lot, camera):
    answer = ask(camera, "粤B98765", kind=Kind.EXIT)

    assert verdict(answer) == (Verdict.UNKNOWN_PLATE, True)
    assert answer.gate_answer.reservation is None


def test_strangers_stay_inside_where_the_lot_says_so_and_guests_do_not(lot, camera):
    LotRules.objects.create(lot=lot, unknown_may_leave=False)
    mine, theirs = book(lot), book(lot, ends_in=0.5)
    Reservation.objects.filter(pk=theirs.pk).update(status=Status.COMPLETED, space=None)
    theirs.vehicle_rows.update(is_held=False)

    assert verdict(ask(camera, "粤B98765", kind=Kind.EXIT)) == (Verdict.UNKNOWN_PLATE, False)
    assert verdict(ask(camera, plate_of_car(mine), kind=Kind.EXIT)) == (Verdict.LEAVING, True)
    assert verdict(ask(camera, plate_of_car(theirs), NOW + hours(2), kind=Kind.EXIT)) == (Verdict.LEAVING, True)


def test_confusable_plate_leaves_as_the_one_car_that_is_inside(lot, camera):
    mine, theirs = book(lot, plate="粤B10S25"), book(lot, plate="粤B1D525", starts_in=5, ends_in=6)
    Reservation.objects.filter(pk=mine.pk).update(status=Status.PARKED)

    answer = ask(camera, "粤B10525", kind=Kind.EXIT)

    assert verdict(answer) == (Verdict.LEAVING, True)
    assert (answer.gate_answer.reservation, theirs.status) == (mine, Status.ASSIGNED)
