"""From a camera's push to the barrier, through the real endpoint."""

import pytest
from django.test import Client

from parking_share import clock
from parking_share.fulfilment import failsafe
from parking_share.fulfilment.admission import answer_gate
from parking_share.fulfilment.failsafe import fail_safe_answer
from parking_share.fulfilment.models import GateAnswer, LotRules
from parking_share.fulfilment.outbox import handle_outbox
from parking_share.reservations.states import Status
from parking_share.spaces.models import Gate, Lot
from sensors.models import Kind
from tests.devices import make_watched_gate, secret_of, vzenith
from tests.factories import NOW, hours, make_lot, make_space, make_window
from tests.gates import book, make_camera, make_gate, plate_of_car, store

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_is_remembered():
    failsafe.memory.forget()
    yield
    failsafe.memory.forget()


def push(secret, plate, number=1):
    body = vzenith("east", plate, clock.now(), number=number)
    return Client().post(f"/api/v1/sensors/push/{secret}", body, content_type="application/json")


@pytest.fixture
def gate():
    """The secret of a camera at the entry of a lot, and the lot, with bays."""
    gateway, camera = make_watched_gate(format="VZENITH")
    lot = Lot.objects.get(pk=camera.lot_id)
    for _ in range(3):
        make_window(make_space(lot), clock.now() - hours(2), clock.now() + hours(20))
    return secret_of(gateway), lot


def test_ordinary_admission_takes_five_queries_from_push_to_reply(gate, django_assert_num_queries):
    secret, lot = gate
    mine = book(lot, now=clock.now())
    plate = plate_of_car(mine)
    push(secret, "粤B98765")

    with django_assert_num_queries(5):
        answer = push(secret, plate, number=2)

    assert answer["Parking-Gate"] == "open"
    handle_outbox(now=clock.now())
    mine.refresh_from_db()
    assert mine.status == Status.PARKED


def test_the_number_of_queries_does_not_grow_with_what_else_is_reserved(gate, django_assert_num_queries):
    secret, lot = gate
    first, second = book(lot, now=clock.now()), book(lot, now=clock.now())
    push(secret, plate_of_car(first))
    car, plate = second.vehicle_rows.get().vehicle, plate_of_car(second)
    for starts_in in (3, 5, 7):
        book(lot, car=car, driver=second.driver, starts_in=starts_in, ends_in=starts_in + 1, now=clock.now())

    with django_assert_num_queries(5):
        assert push(secret, plate, number=2)["Parking-Gate"] == "open"


def remembered(kind=Gate.Kind.ENTRY, **rules):
    """A gate that this process has answered."""
    lot = make_lot()
    LotRules.objects.create(lot=lot, **rules)
    camera = make_camera(make_gate(lot, kind))
    direction = Kind.EXIT if kind == Gate.Kind.EXIT else Kind.ENTER
    answer_gate(seen=store(camera, direction, NOW, plate="粤B98765"), now=NOW)
    return camera.gate_id


@pytest.mark.parametrize(
    ("kind", "rules", "expected"),
    [
        (Gate.Kind.ENTRY, {"fail_safe": "STAY_SHUT"}, (False, False)),
        (Gate.Kind.ENTRY, {"fail_safe": "USE_LIST"}, (False, True)),
        (Gate.Kind.ENTRY, {"fail_safe": "OPEN"}, (True, False)),
        (Gate.Kind.EXIT, {"fail_safe": "STAY_SHUT"}, (False, False)),
        (Gate.Kind.EXIT, {"fail_safe": "USE_LIST"}, (True, True)),
        (Gate.Kind.EXIT, {"fail_safe": "USE_LIST", "unknown_may_leave": False}, (False, True)),
        (Gate.Kind.EXIT, {"fail_safe": "OPEN"}, (True, False)),
    ],
)
def test_without_the_database_the_rule_of_the_site_answers(kind, rules, expected, django_assert_num_queries):
    gate_id = remembered(kind, **rules)

    with django_assert_num_queries(0):
        answer = fail_safe_answer(gate_id=gate_id, now=NOW)

    assert (answer.opens, answer.uses_own_list) == expected


def test_without_the_database_an_unknown_gate_stays_shut():
    assert fail_safe_answer(gate_id=0, now=NOW).opens is False


def test_what_was_answered_without_the_database_is_written_down_once_it_is_back():
    opens, stays_shut = remembered(fail_safe="OPEN"), remembered(fail_safe="STAY_SHUT")
    for gate_id in (opens, stays_shut, 0):
        fail_safe_answer(gate_id=gate_id, now=NOW)
    camera = make_camera(make_gate(make_lot()))

    for _ in range(2):
        answer_gate(seen=store(camera, Kind.ENTER, NOW, plate="粤B98765"), now=NOW)

    written = GateAnswer.objects.filter(verdict="FAIL_SAFE").order_by("pk")
    assert list(written.values_list("gate", "opens")) == [(opens, True), (stays_shut, False)]
