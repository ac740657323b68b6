"""Staff over the policy: what they wish is done by the next round, is kept with its reason, and is never moved."""

from datetime import timedelta

import pytest

from allocation import services
from allocation.extending import ExtensionRefused, extend_reservation
from allocation.keeping import NoBayYet, admit_now
from allocation.models import LotPolicy
from allocation.overruling import OverrulingRefused, Wish, is_pinned, overrule, pin, unpin
from allocation.replaying import replay
from parking_share.notices.models import Notice
from parking_share.notices.services import write_notices
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import record_arrival
from parking_share.reservations.states import Reason, Status
from tests.domain.lives import accepted, announced, asked, broken_promises_of_the_database, fresh
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_space, make_user, make_window

pytestmark = pytest.mark.django_db


def decided(lot, **wish) -> Reservation:
    reservation = asked(lot, **wish)
    services.decide(lot_id=lot.pk, now=NOW)
    return fresh(reservation)


def choosy_lot(**fields):
    """One bay, in which the published method declines a short stay although nobody else is there."""
    lot = make_shared_lot(spaces=1)
    LotPolicy.objects.create(lot=lot, name="two_stage", valid_from=NOW, **fields)
    return lot


def wish(reservation, why="a doctor on duty", **fields) -> Wish:
    return Wish(reservation_id=reservation.pk, made_by=make_user(), why=why, **fields)


def test_a_rejection_that_staff_overrules_is_accepted_by_the_next_round():
    lot = choosy_lot()
    declined = decided(lot, starts_in=1, ends_in=2)
    assert (declined.status, declined.reason) == (Status.DECLINED, Reason.FRAGMENTS_OUTWEIGH_REVENUE)

    row = overrule(wish(declined), now=NOW)
    assert fresh(declined).status == Status.REQUESTED
    services.decide(lot_id=lot.pk, now=NOW)

    row.refresh_from_db()
    taken = fresh(declined)
    assert (taken.status, taken.reason, taken.space) == (Status.ACCEPTED, Reason.OVERRULED, lot.spaces.get())
    assert (row.settled_at, row.answer, row.why) == (NOW, Reason.OVERRULED, "a doctor on duty")
    assert [event.actor for event in taken.events.all()][2] == row.made_by
    assert not taken.decision.is_accepted
    assert replay(taken.decision).is_identical
    assert broken_promises_of_the_database(NOW) == {}


@pytest.mark.django_db(transaction=True)
def test_the_driver_is_told_of_both_answers():
    lot = choosy_lot()
    declined = decided(lot, starts_in=1, ends_in=2)
    overrule(wish(declined), now=NOW)
    services.decide(lot_id=lot.pk, now=NOW)

    write_notices(now=NOW)

    told = Notice.objects.filter(recipient=declined.driver).order_by("pk")
    assert [one.event.reason for one in told] == [Reason.FRAGMENTS_OUTWEIGH_REVENUE, Reason.OVERRULED]


def test_what_cannot_be_is_declined_again_and_kept_with_its_answer():
    lot = make_shared_lot(spaces=1)
    accepted(lot, starts_in=1, ends_in=3)
    declined = decided(lot, starts_in=2, ends_in=4)

    row = overrule(wish(declined), now=NOW)
    services.decide(lot_id=lot.pk, now=NOW)

    row.refresh_from_db()
    assert (fresh(declined).status, row.answer) == (Status.DECLINED, Reason.NO_FREE_SPACE)
    again = overrule(wish(declined), now=NOW)
    assert again.pk != row.pk


def test_others_move_for_a_request_that_staff_overrules():
    """Two bays, to 4 and to 6; the short stay in the longer bay moves, although the lot's own policy moves nobody."""
    lot = make_lot()
    short, long = make_space(lot), make_space(lot)
    make_window(short, NOW, NOW + hours(4))
    make_window(long, NOW, NOW + hours(6))
    LotPolicy.objects.create(lot=lot, name="reassign", valid_from=NOW)
    first = accepted(lot, starts_in=1, ends_in=3)
    pin(wish(first, space_id=long.pk), now=NOW)
    declined = decided(lot, starts_in=1, ends_in=6)
    assert declined.status == Status.DECLINED
    unpin(reservation_id=first.pk, by=make_user(), now=NOW)

    overrule(wish(declined), now=NOW)
    services.decide(lot_id=lot.pk, now=NOW)

    assert (fresh(first).space, fresh(declined).space) == (short, long)


@pytest.mark.parametrize("policy", ["reassign", "foresight"])
def test_a_pinned_reservation_is_never_moved(policy):
    lot = make_lot()
    short, long = make_space(lot), make_space(lot)
    make_window(short, NOW, NOW + hours(4))
    make_window(long, NOW, NOW + hours(6))
    LotPolicy.objects.create(lot=lot, name=policy, valid_from=NOW)
    first = accepted(lot, starts_in=1, ends_in=3)
    pin(wish(first, space_id=long.pk), now=NOW)

    declined = decided(lot, starts_in=1, ends_in=6)
    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(1))

    assert (declined.status, declined.reason) == (Status.DECLINED, Reason.NO_FREE_SPACE)
    assert (fresh(first).status, fresh(first).space) == (Status.ASSIGNED, long)


def test_a_bay_that_staff_wants_is_pinned_with_the_acceptance():
    lot = choosy_lot()
    wanted = make_space(lot)
    make_window(wanted, NOW, NOW + hours(12))
    declined = decided(lot, starts_in=1, ends_in=2)

    overrule(wish(declined, space_id=wanted.pk), now=NOW)
    services.decide(lot_id=lot.pk, now=NOW)

    assert fresh(declined).space == wanted
    assert is_pinned(declined.pk)


def test_pinning_swaps_two_that_are_not_announced():
    lot = make_shared_lot(spaces=2)
    first, second = (accepted(lot, starts_in=1, ends_in=11) for _ in range(2))
    before = (first.space, second.space)

    row = pin(wish(first, space_id=second.space_id), now=NOW)

    assert (fresh(first).space, fresh(second).space) == before[::-1]
    assert [event.reason for event in first.events.all()][-1] == Reason.PINNED
    assert first.events.last().actor == row.pinned_by
    assert broken_promises_of_the_database(NOW) == {}


def test_a_bay_of_somebody_who_cannot_move_is_refused():
    lot = make_shared_lot(spaces=2)
    told = announced(lot, starts_in=1, ends_in=11)
    later = accepted(lot, starts_in=2, ends_in=11, now=NOW + hours(0.9))

    with pytest.raises(OverrulingRefused) as refusal:
        pin(wish(later, space_id=told.space_id), now=NOW + hours(0.9))

    assert refusal.value.code == "no_room"
    assert fresh(told).space == told.space


def test_a_pinned_driver_who_comes_early_waits_for_the_bay():
    lot = make_shared_lot(spaces=2)
    early = accepted(lot, starts_in=3, ends_in=6)
    before = accepted(lot, starts_in=0, ends_in=3)
    pin(wish(early, space_id=before.space_id), now=NOW)
    services.assign_arrivals(lot_id=lot.pk, now=NOW)
    record_arrival(reservation_id=before.pk, actor=before.driver, now=NOW)

    with pytest.raises(NoBayYet) as refusal:
        admit_now(reservation_id=early.pk, now=NOW + hours(2))

    assert refusal.value.earliest_at == NOW + hours(3)
    assert fresh(early).space == before.space


def test_a_pinned_reservation_is_extended_in_its_own_bay_only():
    lot = make_shared_lot(spaces=2)
    pinned = accepted(lot, starts_in=1, ends_in=3)
    pin(wish(pinned), now=NOW)
    accepted_after = accepted(lot, starts_in=3, ends_in=6)
    pin(wish(accepted_after, space_id=pinned.space_id), now=NOW)

    with pytest.raises(ExtensionRefused):
        extend_reservation(reservation_id=pinned.pk, actor=None, until=NOW + hours(4), now=NOW)

    assert fresh(pinned).ends_at == NOW + hours(3)


def test_wishes_that_make_no_sense_are_refused():
    lot, elsewhere = choosy_lot(), make_space(make_lot())
    declined = decided(lot, starts_in=1, ends_in=2)
    codes = []

    for made, when in [
        (wish(declined, why=" "), NOW),
        (wish(declined, space_id=elsewhere.pk), NOW),
        (wish(declined), NOW + timedelta(days=1)),
        (wish(accepted(make_shared_lot())), NOW),
    ]:
        with pytest.raises(OverrulingRefused) as refusal:
            overrule(made, now=when)
        codes.append(refusal.value.code)
    with pytest.raises(OverrulingRefused) as refusal:
        pin(wish(declined), now=NOW)

    assert [*codes, refusal.value.code] == ["says_not_why", "not_this_lot", "too_late", "not_declined", "not_accepted"]
    assert not declined.overrulings.exists()
