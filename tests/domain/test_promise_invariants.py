"""Each promise of this room is broken once behind the services' back, and must be reported: the negative controls."""

from datetime import timedelta

import pytest

from parking_share.fulfilment.invariants import PATIENCE
from parking_share.fulfilment.models import BrokenPromise, Overstay
from parking_share.fulfilment.promises import attend_promises, break_promise, make_good
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import record_departure
from parking_share.reservations.states import Reason, Status
from parking_share.reservations.transitions import Change, make_transition
from tests.domain.lives import announced, broken_promises_of_the_database, parked
from tests.factories import NOW, hours, make_shared_lot, make_user

pytestmark = pytest.mark.django_db

AT = NOW + hours(1)
LATER = AT + PATIENCE + timedelta(seconds=1)


def broken(now) -> list[str]:
    return list(broken_promises_of_the_database(now))


def replaced() -> BrokenPromise:
    make_shared_lot(latitude=22.552)
    lost = announced(make_shared_lot())
    row = break_promise(reservation_id=lost.pk, cause=BrokenPromise.Cause.INTRUDER, now=AT)
    return make_good(broken_id=row.pk, now=AT)


def test_a_lost_bay_without_compensation_is_reported_once_the_job_is_late():
    lost = announced(make_shared_lot())
    make_transition(Change(reservation_id=lost.pk, to=Status.RELEASED, reason=Reason.SPACE_LOST), at=AT)

    assert broken(AT + PATIENCE) == []
    assert broken(LATER) == ["I5 whoever lost a bay is compensated with a reason"]
    attend_promises(now=LATER)
    assert broken(LATER) == []


@pytest.mark.parametrize("change", [{"price_cents": 1_000_000}, {"driver": make_user}])
def test_a_replacement_for_somebody_else_or_at_a_higher_price_is_reported(change):
    row = replaced()
    assert broken(LATER) == []

    values = {name: value() if callable(value) else value for name, value in change.items()}
    Reservation.objects.filter(pk=row.replacement_id).update(**values)

    assert broken(LATER) == ["I5 a broken promise is one, and its replacement costs the same driver no more"]


def test_a_promise_called_broken_that_was_kept_is_reported():
    kept = parked(make_shared_lot())
    BrokenPromise.objects.create(
        reservation=kept, cause="OVERSTAY", compensation_cents=1, currency="CNY", happened_at=AT, attended_at=AT
    )

    assert broken(AT) == ["I5 a broken promise is one, and its replacement costs the same driver no more"]


def test_an_overstay_of_a_car_that_has_left_is_reported():
    here = parked(make_shared_lot())
    Overstay.objects.create(
        reservation=here, space=here.space, began_at=AT, charged_from=AT, cents_an_hour=1, currency="CNY"
    )
    record_departure(reservation_id=here.pk, actor=None, now=AT)

    assert broken(AT + PATIENCE) == []
    assert broken(LATER) == ["I5 an overstay goes on only while its car is there"]
