"""What was learnt steers the rounds, as far as there is enough of it; what is billed stays the tariff."""

from datetime import timedelta

import numpy as np
import pytest

from allocation import knowledge
from allocation.engine.evidence import VERSION
from allocation.engine.prices import slot_prices
from allocation.learning import outlook_of
from allocation.learning_nights import learn_demand
from allocation.learnt import LearntDemand
from allocation.models import LotPolicy
from allocation.pictures import lot_picture
from parking_share.spaces.models import DayType, LandUse, Tariff
from tests.domain.test_survey_summaries import make_demand_wave
from tests.factories import NOW, hours, make_shared_lot
from tests.survey_rows import make_responses

pytestmark = pytest.mark.django_db

TEN = 8  # slots from NOW, eight o'clock in Shanghai, to ten


@pytest.fixture
def lot():
    return make_shared_lot(spaces=2)


def make_learnt(lot, kind: DayType = DayType.WORKDAY, **facts) -> LearntDemand:
    nothing = {"occupied": [None] * 96, "lead_total_h": 0, "asked_days": 0}
    counts = dict.fromkeys(["occupied_days", "arrivals", "wanted_lengths", "stay_lengths"], [0] * 96)
    about = {"lot": lot, "day_type": kind, "version": 1, "engine_version": VERSION, "learnt_at": NOW}
    row = LearntDemand.objects.create(**{**nothing, **counts, **about, **facts})
    knowledge.forget([lot.pk])
    return row


def counted(**by_hour: int) -> list[int]:
    """Counts by slot of the day: `h9=40` is forty in the slot that begins at nine."""
    counts = [0] * 96
    for hour, count in by_hour.items():
        counts[int(hour[1:]) * 4] = count
    return counts


def picture_of(lot, now=NOW):
    return lot_picture(lot, latest_end=NOW + hours(10), now=now)


def test_a_lot_that_has_taught_nothing_decides_by_its_tariff_and_its_operators_number(lot):
    Tariff.objects.create(lot=lot, day_type=DayType.WORKDAY, importance_percent=[20] * 12 + [100] * 12)
    LotPolicy.objects.create(lot=lot, modal_stay_h=5)

    worth = picture_of(lot).worth

    assert (worth.importance[0], worth.importance[16], worth.rules.mode_hours) == (0.2, 1.0, 5)
    assert (worth.rates == worth.importance * lot.peak_rate_cents).all()
    assert outlook_of(picture_of(lot), now=NOW) is None


def test_occupancy_changes_importance_but_not_what_is_billed(lot):
    Tariff.objects.create(lot=lot, day_type=DayType.WORKDAY, importance_percent=[100] * 24)
    make_learnt(lot, occupied=[10.0] * 48 + [50.0] * 48, occupied_days=[15] * 96)

    worth = picture_of(lot).worth

    assert worth.importance[[0, 16]] == pytest.approx([(15 * 0.2 + 5) / 20, 1])
    assert (worth.rates == lot.peak_rate_cents).all()


def test_each_kind_of_day_has_its_own_importance_whatever_the_horizon_crosses(lot):
    for kind in DayType:
        Tariff.objects.create(lot=lot, day_type=kind, importance_percent=[100] * 24)
    friday = NOW + timedelta(days=4)
    make_learnt(lot, DayType.WORKDAY, occupied=[10.0] * 95 + [100.0], occupied_days=[95] * 96)

    importance = lot_picture(lot, latest_end=friday + hours(10), now=friday).worth.importance

    friday_left, saturday = importance[: 16 * 4], importance[16 * 4 :]
    assert friday_left[:-1] == pytest.approx(0.1 * 0.95 + 0.05)
    assert (saturday == 1).all()


def test_completed_stays_change_the_modal_stay(lot):
    LotPolicy.objects.create(lot=lot, modal_stay_h=3)
    make_learnt(lot, stay_lengths=counted(h0=0)[:3] + [270] + [0] * 92)

    assert picture_of(lot).worth.rules.mode_hours == pytest.approx((270 * 1 + 30 * 3) / 300)


def test_the_outlook_has_who_usually_asks_less_those_who_have_asked(lot):
    make_learnt(lot, arrivals=counted(h10=400, h7=400), asked_days=40, lead_total_h=0, wanted_lengths=counted(h0=1))

    outlook = outlook_of(picture_of(lot), now=NOW)

    lead_h = 12 * 1.5 / (12 + 800)
    prior = outlook.arrivals[TEN + 1]
    assert outlook.arrivals[TEN] == pytest.approx(40 / 45 * 10 * (1 - np.exp(-2 / lead_h)) + prior, rel=0.05)
    assert outlook.arrivals.size == picture_of(lot).state.slots
    assert outlook.arrivals[TEN] > 50 * outlook.arrivals[TEN + 1]
    assert outlook.arrivals[0] == 0


def test_nobody_is_guessed_for_bays_that_are_not_shared():
    lot = make_shared_lot(spaces=2, ends_at=NOW + hours(4))
    make_learnt(lot, arrivals=counted(h13=40), asked_days=5)
    picture = picture_of(lot)

    demand = picture.demand.arrivals

    assert (picture.shared[:17] == [2] * 16 + [0]).all()
    assert demand[:16].min() > 0
    assert np.flatnonzero(demand[16:64]).tolist() == [4]  # noon to midnight: who was seen to come at one


def test_nobody_is_expected_more_than_a_day_from_the_period_that_is_asked_about(lot):
    make_learnt(lot, arrivals=counted(h10=400), asked_days=40)
    picture = lot_picture(lot, latest_end=NOW + timedelta(days=5), now=NOW)

    outlook = outlook_of(picture, now=NOW, around=(4 * 96, 4 * 96 + 8))

    days = outlook.arrivals[: 6 * 96].reshape(6, 96).sum(axis=1)
    assert [day > 1 for day in days] == [False, False, False, True, True, False]


def test_a_lot_that_is_asked_for_more_than_it_has_puts_a_price_on_its_slots(lot):
    make_learnt(lot, arrivals=counted(h10=400), asked_days=40, wanted_lengths=[0] * 7 + [400] + [0] * 88)
    busy = picture_of(lot)
    quiet = picture_of(make_shared_lot(spaces=2, land_use=LandUse.OFFICE))
    make_learnt(quiet.lot)

    prices = [
        slot_prices(picture.state, outlook_of(picture, now=NOW), picture.valuation)
        for picture in (busy, picture_of(quiet.lot))
    ]

    assert prices[0][TEN] > 0
    assert prices[1][:48].max() == 0  # while its bays are shared


def test_before_anybody_has_asked_demand_is_spread_as_people_told_a_survey():
    lot = make_shared_lot(spaces=2, starts_at=NOW - hours(4))
    make_responses(make_demand_wave(), *[{"when": (1,)}] * 6)

    learn_demand(now=NOW)
    knowledge.forget([lot.pk])
    outlook = outlook_of(lot_picture(lot, latest_end=NOW + hours(10), now=NOW - hours(4)), now=NOW - hours(4))

    row = LearntDemand.objects.get(lot=lot, day_type=DayType.WORKDAY)
    assert (row.survey_people, row.requests, row.first_date) == (6, 0, None)
    asked_for = np.flatnonzero(outlook.arrivals[:80]) / 4 + 4
    assert (asked_for.min(), asked_for.max()) == (7, 9.75)
