"""Gates, drivers and jobs want the same thing at the same moment: real threads on a real database."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections

from allocation import services
from parking_share.fulfilment.admission import answer_gate
from parking_share.fulfilment.arrivals import record_arrival
from parking_share.fulfilment.codes import TooManyWrongCodes, issue_code, use_code
from parking_share.fulfilment.discrepancies import attend_discrepancies
from parking_share.fulfilment.models import Discrepancy, GateAnswer
from parking_share.fulfilment.outbox import handle_outbox
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import CarIsInside, cancel_reservation
from parking_share.reservations.states import Status
from parking_share.reservations.transitions import TransitionRefused
from sensors.models import Kind, OutboxRow, Stay
from tests.factories import NOW, hours, make_shared_lot
from tests.gates import ask, book, make_camera, make_gate, make_sensor, minutes, plate_of_car, store

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Start all calls together; return what each returned or raised."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def failures(answers: Sequence[Any]) -> list[Any]:
    return [answer for answer in answers if isinstance(answer, Exception)]


def wide_lot(spaces: int = 8):
    return make_shared_lot(spaces=spaces, starts_at=NOW - hours(4), ends_at=NOW + hours(20))


def statuses() -> list[str]:
    return sorted(Reservation.objects.values_list("status", flat=True))


def test_one_plate_at_two_gates_at_once_is_one_arrival():
    lot = wide_lot()
    cameras = [make_camera(make_gate(lot)) for _ in range(2)]
    rows = [book(lot) for _ in range(4)]
    seen = [store(camera, Kind.ENTER, NOW, plate=plate_of_car(row)) for row in rows for camera in cameras]

    answers = at_once([lambda one=one: answer_gate(seen=one, now=NOW) for one in seen])
    at_once([lambda: handle_outbox(now=NOW)] * 3)
    handle_outbox(now=NOW)

    assert failures(answers) == []
    assert {answer.verdict for answer in answers} == {GateAnswer.Verdict.RESERVED}
    assert statuses() == [Status.PARKED] * 4
    assert sorted(Stay.objects.values_list("reservation", flat=True)) == sorted(row.pk for row in rows)


@pytest.mark.parametrize("_round", range(3))
def test_car_that_is_let_in_keeps_its_bay_though_it_lapses_at_that_moment(_round):
    """Just before the hold lapses the gate answers; just after it, the lot is cleared."""
    lot = wide_lot()
    camera = make_camera(make_gate(lot))
    rows = [book(lot) for _ in range(6)]
    lapses_at = rows[0].lapses_at
    seen = [store(camera, Kind.ENTER, lapses_at - minutes(0.01), plate=plate_of_car(row)) for row in rows]

    answers = at_once(
        [lambda one=one: answer_gate(seen=one, now=lapses_at - minutes(0.01)) for one in seen]
        + [lambda: services.assign_arrivals(lot_id=lot.pk, now=lapses_at)] * 2
    )

    assert failures(answers) == []
    for row, answer in zip(rows, answers, strict=False):
        row.refresh_from_db()
        admitted = GateAnswer.objects.get(pk=answer.gate_answer.pk).reservation
        assert answer.opens
        assert Reservation.objects.get(pk=admitted.pk).status == Status.ASSIGNED
        assert (row.status, admitted == row) in {(Status.ASSIGNED, True), (Status.EXPIRED, False)}


def test_admission_and_cancellation_at_once_end_in_one_of_the_two_orders():
    lot = wide_lot()
    camera = make_camera(make_gate(lot))
    rows = [book(lot) for _ in range(8)]
    seen = [store(camera, Kind.ENTER, NOW, plate=plate_of_car(row)) for row in rows]

    answers = at_once(
        [lambda one=one: answer_gate(seen=one, now=NOW) for one in seen]
        + [lambda row=row: cancel_reservation(reservation_id=row.pk, actor=row.driver, now=NOW) for row in rows]
    )
    handle_outbox(now=NOW)

    assert {type(error) for error in failures(answers)} <= {CarIsInside}
    for row, admission, cancellation in zip(rows, answers[:8], answers[8:], strict=True):
        row.refresh_from_db()
        was_first = isinstance(cancellation, CarIsInside)
        assert (row.status, admission.opens) == (Status.PARKED if was_first else Status.CANCELLED, was_first)
    assert set(Stay.objects.values_list("reservation", "ended_at")) == {
        (row.pk, None) for row in rows if row.status == Status.PARKED
    }


def test_workers_at_once_handle_every_row_once_and_in_order():
    lots = [wide_lot() for _ in range(3)]
    cameras = [make_camera(make_gate(lot)) for lot in lots]
    rows = [book(lot) for lot in lots for _ in range(6)]
    by_lot = {camera.lot_id: camera for camera in cameras}
    for row in rows:
        ask(by_lot[row.lot_id], plate_of_car(row))
        ask(by_lot[row.lot_id], plate_of_car(row), NOW + minutes(30), kind=Kind.EXIT)

    answers = at_once([lambda: handle_outbox(now=NOW + hours(1))] * 4)

    assert failures(answers) == []
    assert (sum(answers), OutboxRow.objects.count()) == (36, 0)
    assert statuses() == [Status.COMPLETED] * 18
    assert set(Stay.objects.values_list("began_at", "ended_at")) == {(NOW, NOW + minutes(30))}
    assert Stay.objects.count() == 18


def test_driver_and_gate_say_so_at_once():
    lot = wide_lot()
    camera = make_camera(make_gate(lot))
    rows = [book(lot) for _ in range(6)]
    for row in rows:
        ask(camera, plate_of_car(row))

    answers = at_once([lambda row=row: arrive(row) for row in rows] + [lambda: handle_outbox(now=NOW + minutes(1))] * 2)
    handle_outbox(now=NOW + minutes(1))

    assert {type(error) for error in failures(answers)} <= {TransitionRefused}
    assert statuses() == [Status.PARKED] * 6
    assert Stay.objects.filter(ended_at=None, began_at=NOW).count() == 6


def arrive(row):
    return record_arrival(reservation_id=row.pk, actor=row.driver, now=NOW + minutes(1))


def test_code_shown_at_two_gates_at_once_opens_one():
    lot = wide_lot()
    gates = [make_gate(lot) for _ in range(2)]
    row = book(lot)
    code, _expires_at = issue_code(reservation_id=row.pk, actor=row.driver, now=NOW)

    answers = at_once([lambda gate=gate: use_code(gate=gate, code=code, now=NOW) for gate in gates * 4])

    assert sum(answer.opens for answer in answers if not isinstance(answer, Exception)) == 1
    assert {type(error) for error in failures(answers)} <= {TooManyWrongCodes}


def test_wrong_codes_at_once_are_all_counted():
    gate = make_gate(wide_lot())

    answers = at_once([lambda: use_code(gate=gate, code="00000000", now=NOW)] * 12)

    assert [type(error) for error in failures(answers)] == [TooManyWrongCodes] * 7
    assert GateAnswer.objects.filter(verdict="WRONG_CODE").count() == 5


def test_comparisons_at_once_open_a_discrepancy_once():
    lot = wide_lot(3)
    for space in lot.spaces.all():
        store(make_sensor(space), Kind.OCCUPIED, NOW)

    answers = at_once([lambda: attend_discrepancies(now=NOW + minutes(6))] * 4)

    assert failures(answers) == []
    assert Discrepancy.objects.count() == 3


def test_everything_at_once_deadlocks_nowhere():
    lot = wide_lot(15)
    camera, rows = make_camera(make_gate(lot)), [book(lot) for _ in range(6)]
    on_the_way = [book(lot) for _ in range(3)]
    early = [book(lot, starts_in=1, ends_in=2, status=Status.ACCEPTED) for _ in range(4)]
    for row in rows:
        ask(camera, plate_of_car(row))
    seen = [store(camera, Kind.ENTER, NOW, plate=plate_of_car(row)) for row in early]

    answers = at_once(
        [lambda one=one: answer_gate(seen=one, now=NOW) for one in seen]
        + [lambda: handle_outbox(now=NOW)] * 2
        + [lambda: services.decide(lot_id=lot.pk, now=NOW), lambda: services.assign_arrivals(lot_id=lot.pk, now=NOW)]
        + [lambda row=row: cancel_reservation(reservation_id=row.pk, actor=row.driver, now=NOW) for row in rows[:3]]
        + [lambda row=row: cancel_reservation(reservation_id=row.pk, actor=row.driver, now=NOW) for row in on_the_way]
    )

    assert [type(error) for error in failures(answers)] == [CarIsInside] * 3
    assert [answer.verdict for answer in answers[:4]] == [GateAnswer.Verdict.ADMITTED_EARLY] * 4
