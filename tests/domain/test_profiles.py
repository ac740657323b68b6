from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from parking_share.spaces.models import CalendarDay, DayType
from sensors.models import OccupancyProfile, OccupancySlot
from sensors.profiles import learn
from sensors.selectors import newest_occupancy, occupancy_of, profile_of, profiles_of
from sensors.slots import SLOT
from tests.factories import NOW, hours, make_lot, make_slot

pytestmark = pytest.mark.django_db

Quality, Source = OccupancySlot.Quality, OccupancySlot.Source
SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 11, 16)
NIGHT = datetime(2026, 11, 23, 3, 11, tzinfo=SHANGHAI)  # the Monday after


@pytest.fixture
def lot():
    return make_lot(capacity=100)


def local(day: date, hour: float, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=zone) + hours(hour)


def days_of(lot, means: dict[int, float | None], hour: float = 9, **fields) -> None:
    """A slot at the same local time on days counted from MONDAY."""
    for step, mean in means.items():
        make_slot(lot, local(MONDAY + timedelta(days=step), hour), mean, **fields)


def mean_and_samples(profile: OccupancyProfile, hour: float) -> tuple[float | None, int]:
    return profile.mean_occupied[int(hour * 4)], profile.samples[int(hour * 4)]


def test_a_profile_is_the_mean_of_days_of_its_kind(lot):
    days_of(lot, {0: 40, 1: 50, 2: 60, 5: 10, 6: 20})

    learn(now=NIGHT)

    workday, day_off = profile_of(lot, DayType.WORKDAY), profile_of(lot, DayType.DAY_OFF)
    assert (mean_and_samples(workday, 9), mean_and_samples(day_off, 9)) == ((50, 3), (15, 2))
    assert mean_and_samples(workday, 9.25) == (None, 0)
    assert (workday.bays, workday.version, workday.learned_at) == (100, 1, NIGHT)
    assert (workday.first_date, workday.last_date) == (MONDAY, MONDAY + timedelta(days=2))


def test_a_make_up_working_day_is_a_working_day_and_a_holiday_is_none(lot):
    CalendarDay.objects.create(region="CN", date=MONDAY, kind=CalendarDay.Kind.HOLIDAY, acts_as=7)
    CalendarDay.objects.create(
        region="CN", date=MONDAY + timedelta(days=5), kind=CalendarDay.Kind.MAKE_UP_WORKDAY, acts_as=1
    )
    days_of(lot, {0: 10, 1: 50, 5: 70})

    learn(now=NIGHT)

    assert mean_and_samples(profile_of(lot, DayType.WORKDAY), 9) == (60, 2)
    assert mean_and_samples(profile_of(lot, DayType.DAY_OFF), 9) == (10, 1)


def test_words_and_stuck_counters_are_not_learned(lot):
    days_of(lot, {0: 40})
    days_of(lot, {1: None}, quality=Quality.WORDS, state_text="FULL")
    days_of(lot, {2: 77}, hour=2, quality=Quality.GOOD)
    days_of(lot, {2: 77}, hour=20, quality=Quality.STUCK)
    days_of(lot, {2: 30}, hour=21)

    learn(now=NIGHT)

    profile = profile_of(lot, DayType.WORKDAY)
    assert [mean_and_samples(profile, hour) for hour in (2, 9, 20, 21)] == [(None, 0), (40, 1), (None, 0), (30, 1)]


def test_slots_that_are_mostly_unknown_are_not_learned_and_others_are_scaled(lot):
    days_of(lot, {0: 30}, source=Source.BAYS, unknown_share=0.25)
    days_of(lot, {1: 1}, source=Source.BAYS, unknown_share=0.75)

    learn(now=NIGHT)

    assert mean_and_samples(profile_of(lot, DayType.WORKDAY), 9) == (40, 1)


def test_shares_count_alike_however_many_bays_were_watched(lot):
    days_of(lot, {0: 5}, source=Source.BAYS, bays=10)
    days_of(lot, {1: 10}, source=Source.BAYS, bays=40)

    learn(now=NIGHT)

    profile = profile_of(lot, DayType.WORKDAY)
    assert (profile.bays, mean_and_samples(profile, 9)) == (40, (15, 2))


def test_a_day_with_the_clock_set_back_counts_once():
    berlin = ZoneInfo("Europe/Berlin")
    lot = make_lot(capacity=10, time_zone="Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 summer time; an hour later it is 02:30 again
    make_slot(lot, first, 2)
    make_slot(lot, first + hours(1), 4)
    make_slot(lot, local(date(2026, 10, 24), 2.5, berlin), 5)

    learn(now=datetime(2026, 10, 26, 3, tzinfo=UTC))

    assert mean_and_samples(profile_of(lot, DayType.DAY_OFF), 2.5) == (4, 2)


def test_a_day_with_the_clock_set_forward_leaves_a_gap():
    lot = make_lot(capacity=10, time_zone="Europe/Berlin")
    for step in range(92):
        make_slot(lot, datetime(2026, 3, 28, 23, tzinfo=UTC) + step * SLOT, 3)

    learn(now=datetime(2026, 3, 30, 3, tzinfo=UTC))

    profile = profile_of(lot, DayType.DAY_OFF)
    assert [hour for hour in range(24) if profile.samples[hour * 4] == 0] == [2]
    assert sum(profile.samples) == 92


def test_only_a_change_makes_a_new_version(lot):
    days_of(lot, {0: 40})
    learn(now=NIGHT)
    learn(now=NIGHT + timedelta(days=1))
    assert OccupancyProfile.objects.count() == 1

    make_slot(lot, NIGHT, 60)
    learn(now=NIGHT + timedelta(days=1))

    old, new = OccupancyProfile.objects.order_by("version")
    assert (old.version, old.superseded_at, new.version) == (1, NIGHT + timedelta(days=1), 2)
    assert profile_of(lot, DayType.WORKDAY) == new


def test_today_is_learned_tomorrow(lot):
    make_slot(lot, NIGHT - hours(1), 40)

    learn(now=NIGHT)

    assert profile_of(lot, DayType.WORKDAY) is None


def test_lots_are_learned_in_portions(monkeypatch):
    monkeypatch.setattr("sensors.profiles.LOTS_AT_ONCE", 2)
    lots = [make_lot(capacity=5) for _ in range(3)]
    for lot in lots:
        days_of(lot, {0: 3})

    last = learn(now=NIGHT)
    assert last == lots[1].pk
    assert learn(now=NIGHT, after_lot_id=last) == lots[2].pk
    assert learn(now=NIGHT, after_lot_id=lots[2].pk) is None

    kinds = {lot.pk: DayType.WORKDAY for lot in lots}
    assert set(profiles_of(kinds, day_types=kinds)) == set(kinds)


def test_a_lot_of_unknown_size_is_as_large_as_it_was_ever_full():
    lot = make_lot(capacity=None)
    days_of(lot, {0: 30, 1: 50})

    learn(now=NIGHT)

    profile = profile_of(lot, DayType.WORKDAY)
    assert (profile.bays, mean_and_samples(profile, 9)) == (50, (40, 2))


def test_the_newest_slots_of_many_lots_are_one_query(django_assert_num_queries):
    lots = [make_lot() for _ in range(3)]
    for lot in lots[:2]:
        make_slot(lot, NOW, 1)
        make_slot(lot, NOW + SLOT, 2)

    with django_assert_num_queries(1):
        seen = newest_occupancy([lot.pk for lot in lots], now=NOW + 2 * SLOT + timedelta(minutes=5))
    earlier = newest_occupancy([lots[0].pk], now=NOW + 2 * SLOT - timedelta(seconds=1))

    assert {lot_id: (one.slot.mean_occupied, one.age) for lot_id, one in seen.items()} == {
        lot.pk: (2, timedelta(minutes=5)) for lot in lots[:2]
    }
    assert earlier[lots[0].pk].slot.mean_occupied == 1
    assert occupancy_of(lots[0], since=NOW, until=NOW + SLOT).count() == 1
