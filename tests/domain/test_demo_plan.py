"""What the demo city is drawn from: the survey's numbers, and a plan that depends on the day alone."""

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from parking_share.accounts import plates
from parking_share.demo import demand, habits, people, streets
from parking_share.demo.demand import QUARTER, Fate, plan_stays
from parking_share.demo.habits import Purpose
from parking_share.demo.holidays import calendar_days
from parking_share.demo.seeding import SEED, WHOLE, ZONE
from parking_share.spaces.models import CalendarDay, LandUse

DAY = date(2026, 11, 20)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=ZONE)


def planned(day: date = DAY, stays: int = 400, drivers: int = 150):
    rng = np.random.default_rng(SEED)
    lots = streets.lay_out(WHOLE.lots, rng).lots
    folk = people.populate(lots, drivers=drivers, joined_at=MIDNIGHT, rng=rng)
    return plan_stays(folk.drivers, lots, {}, stays=stays, days_back=7, present_day=day, zone=ZONE, rng=rng)


def test_owners_answers_add_up_to_the_published_shares():
    chosen: Counter[int] = Counter()
    for answer, owners in habits.ANSWERS.items():
        chosen.update(dict.fromkeys(answer.periods, owners))

    assert sum(habits.ANSWERS.values()) == 10_000
    assert chosen == {1: 4664, 2: 4527, 3: 3292, 4: 2058, 5: 1235}


def test_owners_idle_four_to_eight_hours_are_as_many_as_published():
    assert sum(owners for answer, owners in habits.ANSWERS.items() if 4 <= answer.hours <= 8) == 5075


def test_answers_name_the_survey_hours():
    times = {answer.local_times for answer in habits.ANSWERS if answer.first == answer.last and not answer.is_short}

    assert sorted(f"{start:%H:%M}-{end:%H:%M}" for start, end in times) == [
        "00:30-08:30",
        "08:30-12:30",
        "12:30-16:30",
        "16:30-20:30",
        "20:30-00:30",
    ]


def test_drivers_come_as_published():
    assert habits.DRIVERS_WHO_COME[Purpose.DAY_OFF] == 3068
    assert habits.DRIVERS_WHO_COME[Purpose.MORNING_COMMUTE] == 2709
    assert sum(habits.DRIVERS_WHO_COME.values()) == 10_000
    assert all(sum(habit.places.values()) == pytest.approx(1) for habit in habits.HABITS.values())


def test_streets_have_the_promised_lots_each_in_a_place_of_its_own():
    lots = streets.lay_out(WHOLE.lots, np.random.default_rng(SEED)).lots

    assert Counter(LandUse(lot.land_use) for lot in lots) == WHOLE.lots
    assert len({lot.name for lot in lots}) == len({(lot.latitude, lot.longitude) for lot in lots}) == len(lots)


def test_plates_are_of_an_area_that_is_not_issued():
    lots = streets.lay_out(WHOLE.lots, np.random.default_rng(SEED)).lots
    folk = people.populate(lots, drivers=60, joined_at=MIDNIGHT, rng=np.random.default_rng(SEED))

    assert {driver.vehicle.plate[:2] for driver in folk.drivers} == {"贵Z"}
    assert {plates.plate_shape(driver.vehicle.plate) for driver in folk.drivers} <= {"ordinary", "new_energy_small"}


def test_plan_is_the_same_for_the_same_day():
    first, second = planned(), planned()

    assert [(stay.lot.name, stay.requested_at, stay.starts_at, stay.fate) for stay in first] == [
        (stay.lot.name, stay.requested_at, stay.starts_at, stay.fate) for stay in second
    ]


def test_every_stay_is_asked_for_in_time_and_before_the_present_day():
    stays = planned()

    assert min(stay.requested_at for stay in stays) >= MIDNIGHT - timedelta(days=7)
    assert all(stay.requested_at <= stay.starts_at for stay in stays)
    assert max(stay.requested_at for stay in stays) < MIDNIGHT
    assert max(stay.starts_at for stay in stays) < MIDNIGHT + timedelta(days=demand.DAYS_AHEAD + 1)


def test_driver_arrives_and_leaves_within_the_stay():
    coming = [stay for stay in planned() if stay.fate == Fate.COMES]

    assert all(stay.starts_at <= stay.arrives_at < stay.leaves_at <= stay.ends_at for stay in coming)
    assert all(not (stay.arrives_at - MIDNIGHT) % QUARTER for stay in coming)


def test_nobody_plans_two_stays_at_once():
    by_driver: dict[str, list[tuple[datetime, datetime]]] = {}
    for stay in planned():
        by_driver.setdefault(str(stay.driver.user.email), []).append((stay.starts_at, stay.ends_at))

    for periods in by_driver.values():
        ordered = sorted(periods)
        assert all(before[1] < after[0] for before, after in pairwise(ordered))


def test_purposes_keep_to_their_days():
    kinds = {Purpose.DAY_OFF: {6, 7}, Purpose.MORNING_COMMUTE: {1, 2, 3, 4, 5}}
    for stay in planned():
        assert stay.starts_at.astimezone(ZONE).isoweekday() in kinds.get(stay.purpose, set(range(1, 8)))


def test_purposes_are_drawn_in_the_survey_proportions():
    drawn = Counter(stay.purpose for stay in planned(stays=2_000, drivers=640))
    total = sum(drawn.values())

    for purpose, expected in habits.DRIVERS_WHO_COME.items():
        assert drawn[purpose] / total == pytest.approx(expected / 10_000, abs=0.04)


def test_calendar_knows_the_published_make_up_days_of_2026():
    days = list(calendar_days())
    workdays = sorted(day.date for day in days if day.kind == CalendarDay.Kind.MAKE_UP_WORKDAY)

    assert workdays == [
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    ]
    assert sum(day.date.year == 2026 and day.kind == CalendarDay.Kind.HOLIDAY for day in days) == 33
    assert all(day.date.isoweekday() >= 6 and day.acts_as <= 5 for day in days if day.kind == "MAKE_UP_WORKDAY")


def test_days_not_published_yet_say_that_they_are_illustrative():
    assert all("示意" in day.name for day in calendar_days() if day.date.year == 2027)
