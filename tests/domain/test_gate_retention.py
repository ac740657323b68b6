"""Answers to gates are forgotten when they are old, and can't be changed or lost before; the outbox of a lost lot."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from parking_share.fulfilment.models import GateAnswer
from parking_share.fulfilment.outbox import handle_outbox
from parking_share.fulfilment.retention import forget_answers
from sensors.models import Deletion, OutboxRow
from tests.factories import NOW, make_lot
from tests.gates import ask, make_camera, make_gate
from tests.interface.sensor_rows import make_answer

pytestmark = pytest.mark.django_db
KEPT = timedelta(days=31 * 13)


@pytest.fixture
def answers():
    """One that is as old as answers may be, and one that is a moment younger."""
    gate = make_gate(make_lot())
    return make_answer(gate, answered_at=NOW - timedelta(seconds=1)), make_answer(gate, answered_at=NOW)


def test_old_answers_are_forgotten_with_a_record(answers):
    _old, young = answers

    assert (forget_answers(now=NOW + KEPT), forget_answers(now=NOW + KEPT)) == (1, 0)

    assert GateAnswer.objects.get() == young
    record = Deletion.objects.get()
    assert (record.what, record.rule, record.rows) == ("answers to gates", "after 403 days", 1)


def test_many_are_forgotten_in_portions(monkeypatch):
    monkeypatch.setattr("parking_share.fulfilment.retention.AT_ONCE", 2)
    gate = make_gate(make_lot())
    for _number in range(5):
        make_answer(gate)

    assert forget_answers(now=NOW + KEPT + timedelta(days=1)) == 5
    assert [row.rows for row in Deletion.objects.order_by("pk")] == [2, 2, 1]


@pytest.mark.parametrize(
    "change",
    [
        lambda: GateAnswer.objects.all().delete(),
        lambda: GateAnswer.objects.update(opens=False),
        lambda: GateAnswer.objects.filter(answered_at__gte=NOW).delete(),
    ],
    ids=["delete all", "update", "delete the young"],
)
@pytest.mark.parametrize("names_an_instant", [False, True])
def test_no_other_change_gets_through(answers, change, names_an_instant):
    if names_an_instant:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('parking_share.forget_before', %s, true)", [NOW.isoformat()])

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        change()

    assert GateAnswer.objects.count() == 2


def test_what_came_in_for_a_lot_that_is_gone_concerns_nobody():
    gone, there = make_camera(make_gate(make_lot())), make_camera(make_gate(make_lot()))
    for camera in (gone, there):
        ask(camera, "粤B12345")
    OutboxRow.objects.filter(lot=gone.lot_id).update(lot=10**9)

    assert handle_outbox(now=NOW) == 1

    assert not OutboxRow.objects.exists()
