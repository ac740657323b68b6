"""Income over owners: how it is told, and how a policy spreads it where nearly the same bay would do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation import services
from allocation.fairness import incomes_by_owner, refusals_by_district, spread_of
from allocation.models import LotPolicy
from allocation.replaying import replay
from parking_share.reservations.states import Reason
from tests.domain.lives import accepted, announced, fresh, parked
from tests.factories import NOW, hours, make_lot, make_shared_lot, make_space, make_user, make_window

INCOMES = st.lists(st.integers(0, 10**7), min_size=5, max_size=60)


def literal_gini(incomes):
    """Half the relative mean difference, pair by pair."""
    mean = sum(incomes) / len(incomes)
    return sum(abs(one - other) for one in incomes for other in incomes) / (2 * len(incomes) ** 2 * mean)


@given(incomes=INCOMES.filter(any))
def test_gini_is_half_the_relative_mean_difference(incomes):
    assert spread_of(incomes).gini == pytest.approx(literal_gini(incomes), abs=1e-9)


@given(incomes=INCOMES)
def test_no_group_is_small_enough_to_tell_anybodys_income(incomes):
    spread = spread_of(incomes)

    assert all(group.owners >= 5 for group in spread.groups)
    assert sum(group.owners for group in spread.groups) == spread.owners == len(incomes)
    assert sum(group.total_cents for group in spread.groups) == spread.total_cents == sum(incomes)
    assert spread == spread_of(incomes[::-1])


def test_four_owners_have_no_spread_and_nothing_earned_is_even():
    assert (spread_of([1, 2, 3, 4]).gini, spread_of([1, 2, 3, 4]).groups) == (None, ())
    assert spread_of([0] * 5).gini == 0
    assert spread_of([0, 0, 0, 0, 9]).gini == pytest.approx(0.8)
    with pytest.raises(ValueError, match="-1"):
        spread_of([1, 2, 3, 4, -1])


def two_owners(*, tolerance: float):
    """Two bays of two owners: the second is shared a little longer, so that the first is always the cheaper one."""
    lot = make_lot()
    for longer in (0, 1):
        make_window(make_space(lot, owner=make_user()), NOW, NOW + hours(12 + longer))
    LotPolicy.objects.create(lot=lot, name="best_fit", fairness_tolerance=tolerance, valid_from=NOW)
    return lot


@pytest.mark.django_db
def test_income_goes_round_within_the_tolerance_only():
    def bays_of_two(tolerance):
        lot = two_owners(tolerance=tolerance)
        booked = [accepted(lot, starts_in=start, ends_in=start + 2) for start in (1, 5)]
        bays = list(lot.spaces.order_by("pk"))
        return [bays.index(one.space) for one in booked]

    assert bays_of_two(0) == [0, 0]
    assert bays_of_two(5) == [0, 1]


@pytest.mark.django_db
def test_a_decision_made_fairly_replays_and_the_final_bay_is_chosen_alike():
    lot = two_owners(tolerance=5)
    first = parked(lot, starts_in=1, ends_in=3)
    second = accepted(lot, starts_in=5, ends_in=7, now=NOW + hours(1))

    services.assign_arrivals(lot_id=lot.pk, now=NOW + hours(5))

    assert first.space != fresh(second).space
    assert replay(second.decision).is_identical


@pytest.mark.django_db
def test_incomes_count_what_was_announced_and_owners_without_any():
    lot = two_owners(tolerance=0)
    booked = announced(lot, starts_in=1, ends_in=3)
    accepted(lot, starts_in=5, ends_in=7)
    other = lot.spaces.exclude(pk=booked.space_id).get()

    found = incomes_by_owner(lot.pk, since=NOW, until=NOW + hours(2))

    assert found == {booked.space.owner_id: booked.price_cents, other.owner_id: 0}


@pytest.mark.django_db
def test_refusals_are_counted_by_district_and_reason():
    lot = make_shared_lot()
    accepted(lot)
    accepted(lot)
    accepted(lot)

    found = refusals_by_district(since=NOW, until=NOW + hours(1))

    assert found == {lot.district_id: {Reason.NO_FREE_SPACE: 2}}
