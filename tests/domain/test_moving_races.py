"""Policies move reservations while drivers cancel, others ask, bays are announced and staff pin: nothing breaks."""

import random

import pytest

from allocation import services
from allocation.models import Decision, LotPolicy
from allocation.overruling import OverrulingRefused, Wish, pin
from allocation.replaying import replay
from parking_share.reservations.services import cancel_reservation
from parking_share.reservations.states import Status
from parking_share.reservations.transitions import TransitionRefused
from tests.domain.lives import accepted, asked, broken_promises_of_the_database, fresh
from tests.domain.test_races import at_once, deadlocks
from tests.factories import NOW, hours, make_lot, make_space, make_user, make_window

pytestmark = pytest.mark.django_db(transaction=True)


def uneven_lot(policy: str):
    """Six bays, each shared longer than the one before: short stays in long bays are in the way of long ones."""
    lot = make_lot()
    for longer in range(6):
        make_window(make_space(lot), NOW, NOW + hours(4 + longer))
    LotPolicy.objects.create(lot=lot, name=policy, valid_from=NOW)
    return lot


@pytest.mark.parametrize("policy", ["reassign", "foresight"])
def test_moving_cancelling_announcing_and_pinning_at_once_break_nothing(policy):
    lot, staff, rng = uneven_lot(policy), make_user(), random.Random(4)
    held = [accepted(lot, starts_in=rng.choice([1, 2]), ends_in=rng.choice([3, 4])) for _ in range(6)]
    for _ in range(6):
        asked(lot, starts_in=rng.choice([1, 2, 4]), ends_in=rng.choice([5, 7, 9]))
    wish = Wish(reservation_id=held[1].pk, made_by=staff, why="because", space_id=held[2].space_id)
    before = deadlocks()

    answers = at_once(
        [
            *[lambda: services.decide(lot_id=lot.pk, now=NOW)] * 3,
            *[lambda: services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(0.8))] * 2,
            lambda: cancel_reservation(reservation_id=held[0].pk, actor=held[0].driver, now=NOW),
            lambda: cancel_reservation(reservation_id=held[3].pk, actor=held[3].driver, now=NOW),
            lambda: pin(wish, now=NOW),
        ]
    )

    strange = [one for one in answers if isinstance(one, Exception)]
    assert all(isinstance(one, OverrulingRefused | TransitionRefused) for one in strange)
    assert deadlocks() == before
    assert fresh(held[0]).status == Status.CANCELLED
    assert broken_promises_of_the_database(NOW + hours(0.8)) == {}
    decided = Decision.objects.filter(reservation__lot=lot, place__isnull=False)
    assert decided.count() == 12
    assert all(replay(decision).is_identical for decision in decided)
