"""“Someone is in my bay”: another bay, another lot or the money back, in one call, with what was known."""

import json
from datetime import timedelta

import pytest

from allocation.obstacles import obstructed
from parking_share.accounts import plates
from parking_share.accounts.plates import PlateRefused
from parking_share.fulfilment.incidents import ReportRefused, report_taken_bay
from parking_share.fulfilment.lists import add_plate, remove_plate
from parking_share.fulfilment.models import BrokenPromise, Discrepancy, GateAnswer, Incident, ListedPlate
from parking_share.fulfilment.retention import forget_intruders, forget_listed
from parking_share.notices.models import Notice
from parking_share.reservations.services import record_arrival
from parking_share.reservations.states import Reason, Status
from parking_share.spaces.models import Gate
from sensors.models import Deletion, Occupancy, Stay
from sensors.staying import open_stay
from tests.domain.lives import (
    accepted,
    announced,
    broken_promises_of_the_database,
    fresh,
    parked,
    sense,
    watch_gates,
)
from tests.factories import NOW, hours, make_shared_lot, make_user, make_vehicle

pytestmark = pytest.mark.django_db

AT = NOW + hours(1)
STRANGER = "粤B9999X"


def report(reservation, plate=STRANGER, *, now=AT) -> Incident:
    return report_taken_bay(reservation_id=reservation.pk, actor=reservation.driver, plate_text=plate, now=now)


def asked_to_move() -> list[Notice]:
    return list(Notice.objects.filter(kind="ASKED_TO_MOVE"))


# what is done


@pytest.mark.parametrize("has_arrived", [False, True])
def test_driver_gets_another_bay_of_the_lot(has_arrived):
    lot = make_shared_lot(spaces=2)
    reservation = parked(lot) if has_arrived else announced(lot)

    incident = report(reservation)

    moved = fresh(reservation)
    assert (incident.outcome, incident.moved_to, incident.space) == ("ANOTHER_BAY", moved.space, reservation.space)
    assert moved.space != reservation.space
    assert moved.status == (Status.PARKED if has_arrived else Status.ASSIGNED)
    assert moved.events.last().reason == Reason.BAY_TAKEN
    assert (incident.reported_by, incident.opened_at, incident.closed_at) == (reservation.driver, AT, None)
    assert BrokenPromise.objects.count() == 0
    assert broken_promises_of_the_database(AT) == {}


def test_driver_gets_a_bay_in_the_nearest_lot_where_this_one_is_full():
    lot = make_shared_lot()
    make_shared_lot(name="Farther", latitude=22.556)
    make_shared_lot(name="Full", spaces=0, latitude=22.5505)
    make_shared_lot(name="Nearest", latitude=22.552)
    reservation = announced(lot)

    incident = report(reservation)

    lost = fresh(reservation)
    assert (incident.outcome, incident.replacement.lot.name, incident.moved_to) == ("ANOTHER_LOT", "Nearest", None)
    assert (lost.status, lost.reason) == (Status.RELEASED, Reason.SPACE_LOST)
    assert incident.replacement.status == Status.ASSIGNED
    assert [row.vehicle for row in incident.replacement.vehicle_rows.all()] == [
        row.vehicle for row in reservation.vehicle_rows.all()
    ]
    assert BrokenPromise.objects.get().cause == "INTRUDER"
    assert broken_promises_of_the_database(AT) == {}


def test_driver_owes_nothing_where_no_bay_is_free_anywhere():
    reservation = announced(make_shared_lot())

    incident = report(reservation)

    assert (incident.outcome, incident.replacement) == ("FREE_CANCELLATION", None)
    assert fresh(reservation).status == Status.RELEASED
    assert BrokenPromise.objects.get().compensation_cents > 0


def test_a_car_that_no_gate_sees_go_is_no_longer_counted_where_it_was_turned_away():
    lot = make_shared_lot()
    reservation = parked(lot)
    stay = open_stay(
        lot_id=lot.pk, source=Stay.Source.DRIVER, began_at=AT, reservation_id=reservation.pk, space_id=None
    )

    report(reservation, now=AT + timedelta(minutes=2))

    stay.refresh_from_db()
    assert stay.ended_at == AT + timedelta(minutes=2)


def test_a_car_that_moved_stands_in_its_new_bay():
    lot = make_shared_lot(spaces=2)
    watch_gates(lot)
    reservation = parked(lot)
    stay = open_stay(
        lot_id=lot.pk,
        source=Stay.Source.GATE,
        began_at=AT,
        reservation_id=reservation.pk,
        space_id=reservation.space_id,
    )

    incident = report(reservation)

    stay.refresh_from_db()
    assert (stay.space, stay.ended_at) == (incident.moved_to, None)


def test_nobody_else_is_sent_to_the_taken_bay():
    lot = make_shared_lot(spaces=3)
    reservation = announced(lot)

    report(reservation)

    assert obstructed([space.pk for space in lot.spaces.all()], now=AT) == {reservation.space_id}
    again = report(reservation, plate="粤B8888X", now=AT + timedelta(minutes=5))
    assert again.moved_to_id not in {reservation.space_id, again.space_id}


# twice


def test_the_same_report_twice_is_one_incident():
    reservation = announced(make_shared_lot(spaces=3))

    first, second = report(reservation), report(reservation, plate="粤b-9999x", now=AT + timedelta(minutes=20))

    assert first == second
    assert Incident.objects.count() == 1
    assert fresh(reservation).space == first.moved_to


def test_a_new_bay_that_is_taken_too_is_another_incident():
    reservation = announced(make_shared_lot(spaces=3))

    first, second = report(reservation), report(reservation, plate="粤B8888X")

    assert (second.space, first.moved_to) == (first.moved_to, second.space)
    assert Incident.objects.count() == 2
    assert len({reservation.space_id, first.moved_to_id, second.moved_to_id}) == 3


def test_after_three_reports_a_person_has_to_help():
    lot = make_shared_lot(spaces=6)
    reservation = announced(lot)
    for number in range(3):
        report(reservation, f"粤B9999{number}", now=AT + timedelta(minutes=number))

    with pytest.raises(ReportRefused) as refused:
        report(reservation, "粤B99994", now=AT + timedelta(minutes=9))

    assert refused.value.code == "too_many_reports"


def test_a_plate_that_cannot_be_read_may_be_left_out_and_repeated_within_minutes():
    reservation = announced(make_shared_lot(spaces=3))

    first, second = report(reservation, plate=" "), report(reservation, plate="", now=AT + timedelta(minutes=2))
    later = report(reservation, plate="", now=AT + timedelta(minutes=3))

    assert first == second != later
    assert (first.intruder_exact_hash, first.intruder_encrypted) == (None, None)


def test_a_report_after_the_promise_was_broken_tells_the_same():
    reservation = announced(make_shared_lot())

    first, second = report(reservation), report(reservation, now=AT + timedelta(minutes=1))

    assert first == second
    assert (Incident.objects.count(), BrokenPromise.objects.count()) == (1, 1)


# refusals


def test_there_is_nothing_to_report_without_a_bay_before_its_time_or_after_it():
    lot = make_shared_lot(spaces=4)
    tentative, own = accepted(lot, starts_in=4, ends_in=6), announced(lot)
    codes = []
    for reservation, now in (
        (tentative, AT),
        (own, AT - timedelta(minutes=5)),
        (own, own.ends_at),
    ):
        with pytest.raises(ReportRefused) as refusal:
            report(reservation, now=now)
        codes.append(refusal.value.code)

    assert codes == ["not_possible_now", "too_early", "not_possible_now"]
    assert Incident.objects.count() == 0


def test_ones_own_plate_and_nonsense_are_refused():
    driver = make_user()
    own = make_vehicle(driver, plate="粤B1X345")
    reservation = announced(make_shared_lot(spaces=2), driver=driver, car=own)

    with pytest.raises(ReportRefused) as refusal:
        report(reservation, plate="粤B·1X345")
    with pytest.raises(PlateRefused):
        report(reservation, plate="!?")

    assert refusal.value.code == "own_plate"
    assert fresh(reservation).space == reservation.space


# the other car


def test_a_driver_of_the_same_lot_is_asked_to_move():
    lot = make_shared_lot(spaces=3)
    driver = make_user()
    intruder = parked(lot, driver=driver, car=make_vehicle(driver, plate=STRANGER))
    reservation = announced(lot)

    incident = report(reservation)

    notice = asked_to_move()[0]
    assert incident.intruder_reservation == intruder
    assert (len(asked_to_move()), notice.recipient, notice.reservation) == (1, driver, intruder)
    assert notice.facts == {"space": reservation.space.label, "lot": lot.name}


def test_whoever_registered_the_car_is_asked_to_move():
    owner = make_user()
    make_vehicle(owner, plate=STRANGER)

    incident = report(announced(make_shared_lot(spaces=2)))

    assert incident.intruder_reservation is None
    assert [notice.recipient for notice in asked_to_move()] == [owner]


def test_a_plate_typed_nearly_right_is_believed_only_where_one_car_can_be_meant():
    lot = make_shared_lot(spaces=4)
    likely = make_user()
    make_vehicle(likely, plate="粤B1204Z")
    report(announced(lot), plate="粤B12O42")
    assert [notice.recipient for notice in asked_to_move()] == [likely]

    make_vehicle(make_user(), plate="粤B12DAZ")
    make_vehicle(make_user(), plate="粤B12QAZ")
    report(announced(lot), plate="粤B120AZ")

    assert len(asked_to_move()) == 1


def test_a_stranger_cannot_be_asked():
    incident = report(announced(make_shared_lot(spaces=2)))

    assert plates.decrypt_plate(bytes(incident.intruder_encrypted)) == STRANGER
    assert asked_to_move() == []


# evidence


def test_evidence_says_what_was_known_and_names_no_plate():
    lot = make_shared_lot(spaces=2)
    reservation = announced(lot)
    space = reservation.space
    gate = Gate.objects.create(lot=lot, name="Gate", latitude=22.5, longitude=114.1)
    answer = GateAnswer.objects.create(
        gate=gate, asked_by="PLATE", opens=True, verdict="RESERVED", reservation=reservation, answered_at=AT
    )
    sense(space, Occupancy.OCCUPIED, at=NOW)
    stay = Stay.objects.create(
        lot=lot, space=space, source="BAY_SENSOR", began_at=NOW, plate_exact_hash=plates.exact_hash(STRANGER)
    )
    discrepancy = Discrepancy.objects.create(lot=lot, space=space, kind="NOBODY_DUE", opened_at=NOW)

    incident = report(reservation)

    by_kind = {fact["what"]: fact for fact in incident.evidence}
    assert by_kind["bay_state"]["state"] == "OCCUPIED"
    assert (by_kind["stay"]["id"], by_kind["hold"]["reservation"]) == (stay.pk, reservation.pk)
    assert (by_kind["gate_answer"]["id"], by_kind["discrepancy"]["id"]) == (answer.pk, discrepancy.pk)
    assert STRANGER not in json.dumps(incident.evidence, ensure_ascii=False)
    assert by_kind["hold"]["held_from"] == reservation.held_from.isoformat()


def test_plates_of_incidents_are_forgotten_with_a_record():
    old, new = (report(announced(make_shared_lot(spaces=2))) for _ in range(2))
    Incident.objects.filter(pk=old.pk).update(opened_at=AT - timedelta(days=31))

    assert forget_intruders(now=AT) == 1
    assert forget_intruders(now=AT) == 0

    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.intruder_exact_hash, old.intruder_encrypted) == (None, None)
    assert new.intruder_exact_hash is not None
    assert Deletion.objects.get(what="plates of incidents").rows == 1


def test_plates_of_lists_are_forgotten_a_while_after_they_let_nobody_in():
    lot, manager = make_shared_lot(spaces=1), make_user()

    def listed(plate, until=None):
        return add_plate(lot=lot, actor=manager, plate=plate, valid_from=AT, valid_until=until, now=AT)

    removed, _ran_out, stays = listed("粤B10001"), listed("粤B10002", AT + hours(1)), listed("粤B10003")
    remove_plate(lot=lot, listed_id=removed.pk, now=AT + hours(1))

    assert forget_listed(now=AT + timedelta(days=30)) == 0
    assert forget_listed(now=AT + timedelta(days=30, hours=2)) == 2

    assert list(ListedPlate.objects.all()) == [stays]
    assert Deletion.objects.get(what="plates of lists").rows == 2


def test_somebody_who_arrived_early_may_report_at_once():
    lot = make_shared_lot(spaces=2)
    reservation = announced(lot)
    record_arrival(reservation_id=reservation.pk, actor=None, now=AT)

    assert report(reservation, now=AT).outcome == "ANOTHER_BAY"
