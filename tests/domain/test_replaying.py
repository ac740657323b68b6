"""Every answer that a policy gave is computed again from what was kept, and comes out the same."""

from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from allocation import services
from allocation.engine.registry import POLICIES
from allocation.filling import Suits
from allocation.models import Decision, DecisionSnapshot, LotPolicy
from allocation.replaying import NothingToReplay, replay
from allocation.snapshots import SNAPSHOTS_ARE_KEPT, forget_snapshots, packed_document, unpacked_document
from parking_share.reservations.models import Reservation
from tests.domain.lives import asked
from tests.factories import NOW, hours, make_shared_lot, make_space, make_window

pytestmark = pytest.mark.django_db

PERIODS = [(1, 3), (3, 6), (0.5, 2), (2, 4), (6, 12), (1, 2), (0, 12), (4, 7), (2.25, 3.75), (5, 6), (1, 11), (8, 9)]


def lot_with(policy: str, **fields):
    lot = make_shared_lot(spaces=2)
    make_window(make_space(lot), NOW, NOW + hours(5))
    make_window(make_space(lot, has_charger=True), NOW, NOW + hours(9))
    LotPolicy.objects.create(lot=lot, name=policy, valid_from=NOW, **fields)
    return lot


def busy_lot(policy: str, **fields):
    """Two rounds of requests: the second finds what the first accepted."""
    lot = lot_with(policy, **fields)
    for begin in (0, 6):
        for number, (starts_in, ends_in) in enumerate(PERIODS[begin : begin + 6]):
            asked(lot, starts_in=starts_in, ends_in=ends_in, needs_charger=number == 3)
        services.decide(lot_id=lot.pk, now=NOW + timedelta(minutes=begin))
    return lot


def edited(decision: Decision, change) -> Decision:
    """The decision with another snapshot."""
    assert decision.snapshot is not None
    document = unpacked_document(bytes(decision.snapshot.packed))
    change(document)
    other = DecisionSnapshot.objects.create(
        lot=decision.reservation.lot,
        made_at=NOW,
        engine_version=decision.snapshot.engine_version,
        packed=packed_document(document),
    )
    decision.snapshot = other
    return decision


@pytest.mark.parametrize("policy", list(POLICIES))
@pytest.mark.parametrize("tolerance", [0, 2])
def test_every_decision_of_every_policy_is_identical_when_replayed(policy, tolerance):
    lot = busy_lot(policy, fairness_tolerance=tolerance)
    decisions = Decision.objects.filter(reservation__lot=lot)

    replays = [replay(decision) for decision in decisions]

    assert len(replays) == len(PERIODS)
    assert [(one.is_identical, one.is_same_engine, one.upset_before) for one in replays] == [(True, True, ())] * len(
        PERIODS
    )
    assert {decision.is_accepted for decision in decisions} == {True, False}


def test_replaying_shows_what_is_different():
    lot = busy_lot("best_fit")
    decision = Decision.objects.filter(reservation__lot=lot, is_accepted=True).first()

    def close(document):
        document["free"] = [[] for _ in document["free"]]
        document["asked"] = document["asked"][:1]

    found = replay(edited(decision, close))

    assert [(one.what, one.then, one.now) for one in found.differences] == [
        ("space", str(decision.space_id), "–"),
        ("reason", "–", "no_free_space"),
    ]


def test_a_row_that_contradicts_its_snapshot_is_different():
    lot = busy_lot("best_fit")
    decision = Decision.objects.filter(reservation__lot=lot, is_accepted=True).first()
    decision.policy_version = 99

    assert [one.what for one in replay(decision).differences] == ["version of the row"]


def test_a_round_is_kept_once_and_small():
    lot = busy_lot("foresight")
    decisions = Decision.objects.filter(reservation__lot=lot)

    assert decisions.values("snapshot").distinct().count() == 2
    assert [len(bytes(one.packed)) < 1500 for one in DecisionSnapshot.objects.filter(lot=lot)] == [True, True]


def test_what_no_policy_was_asked_for_can_not_be_replayed():
    lot = lot_with("foresight")
    late = asked(lot)
    services.decide(lot_id=lot.pk, now=NOW + timedelta(days=2))

    with pytest.raises(NothingToReplay):
        replay(Decision.objects.get(reservation=late))


def test_the_command_says_identical_or_what_not():
    lot = busy_lot("foresight")
    ids = [str(pk) for pk in Decision.objects.filter(reservation__lot=lot).values_list("pk", flat=True)]
    said = StringIO()

    call_command("replay_decision", *ids, stdout=said)

    assert said.getvalue().splitlines() == [f"decision {pk}: identical" for pk in ids]


def test_the_command_names_another_engine_and_fails_on_what_is_gone():
    lot = busy_lot("best_fit")
    decision = Decision.objects.filter(reservation__lot=lot).latest("pk")
    packed = bytes(decision.snapshot.packed)
    DecisionSnapshot.objects.filter(pk=decision.snapshot_id).delete()
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("replay_decision", str(decision.pk), stdout=said)
    DecisionSnapshot.objects.create(
        pk=decision.snapshot_id, lot=lot, made_at=NOW, engine_version="0" * 12, packed=packed
    )

    call_command("replay_decision", str(decision.pk), stdout=said)

    assert "forgotten" in said.getvalue()
    assert "identical, but decided by engine 000000000000" in said.getvalue()


def test_moves_are_written_with_the_answer_that_needs_them():
    """Two bays, free from 0 to 6 and from 0 to 4; a short stay moves to the short bay to let a long one in."""
    lot = make_shared_lot(spaces=0)
    long, short = make_space(lot), make_space(lot)
    make_window(long, NOW, NOW + hours(6))
    make_window(short, NOW, NOW + hours(4))
    LotPolicy.objects.create(lot=lot, name="reassign", valid_from=NOW)
    first = asked(lot, starts_in=1, ends_in=3)
    services.decide(lot_id=lot.pk, now=NOW)
    Reservation.objects.filter(pk=first.pk).update(space=long)
    second = asked(lot, starts_in=1, ends_in=6)

    services.decide(lot_id=lot.pk, now=NOW)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.space, second.space) == (short, long)
    assert second.decision.others_moved == 1
    assert [event.reason for event in first.events.all()][-1] == "REARRANGED"
    assert replay(second.decision).is_identical


def test_a_round_lets_go_of_its_lot_when_its_budget_is_spent(monkeypatch):
    monkeypatch.setattr(services, "ROUND_BUDGET_S", 0)
    lot = make_shared_lot(spaces=2)
    for _ in range(4):
        asked(lot)

    assert services.decide(lot_id=lot.pk, now=NOW) == 4

    decisions = Decision.objects.filter(reservation__lot=lot).order_by("pk")
    assert [one.is_accepted for one in decisions] == [True, True, False, False]
    assert decisions.values("snapshot").distinct().count() == 4
    assert all(replay(one).is_identical for one in decisions)


def test_snapshots_are_forgotten_after_half_a_year_and_decisions_stay():
    lot = busy_lot("best_fit")
    assert forget_snapshots(now=NOW + SNAPSHOTS_ARE_KEPT) == 0

    assert forget_snapshots(now=NOW + SNAPSHOTS_ARE_KEPT + timedelta(hours=1)) == 2

    assert Decision.objects.filter(reservation__lot=lot).count() == len(PERIODS)


def test_a_snapshot_is_never_rewritten():
    lot = busy_lot("best_fit")

    with pytest.raises(IntegrityError), transaction.atomic():
        DecisionSnapshot.objects.filter(lot=lot).update(engine_version="other")


def test_a_hold_moves_only_to_bays_that_suit_whoever_may_use_its_own():
    lot = make_shared_lot(spaces=0)
    small = make_space(lot, size=1, height_limit_cm=200)
    large, low = make_space(lot, size=3, height_limit_cm=None), make_space(lot, size=3, height_limit_cm=180)
    charger, residents = make_space(lot, size=3, has_charger=True), make_space(lot, size=3, admits="RESIDENTS")
    spaces = [small, large, low, charger, residents]

    suits = Suits(spaces)

    assert [spaces[row] for row in np.flatnonzero(suits.like(0))] == [small, large]
    assert [spaces[row] for row in np.flatnonzero(suits.like(1))] == [large]
    assert [spaces[row] for row in np.flatnonzero(suits.like(4))] == [large, residents]
    assert Suits([small, small]).like(0) is None


@pytest.mark.parametrize("policy", ["revenue", "foresight"])
def test_where_nothing_was_learnt_nobody_is_declined_for_those_who_may_come(policy):
    lot = make_shared_lot(spaces=1)
    LotPolicy.objects.create(lot=lot, name=policy, valid_from=NOW)
    short = asked(lot, starts_in=0.25, ends_in=0.5)

    services.decide(lot_id=lot.pk, now=NOW)

    assert short.decision.is_accepted
    assert replay(short.decision).is_identical
