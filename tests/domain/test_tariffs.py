"""What a period costs."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking_share.spaces.models import CalendarDay, DayType, LandUse, Tariff
from parking_share.spaces.tariffs import RateTable, rate_table, rate_tables
from tests.factories import make_lot

RAMP = tuple(range(1, 25))
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def table(zone: str = "Asia/Shanghai", *, peak: int = 100, workday=RAMP, day_off=RAMP, acts_as=None) -> RateTable:
    return RateTable(
        peak_rate_cents=peak,
        currency="CNY",
        zone=ZoneInfo(zone),
        importance_percent={DayType.WORKDAY: workday, DayType.DAY_OFF: day_off},
        acts_as=acts_as or {},
    )


def shanghai(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


def berlin(month: int, day: int, hour: int) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=BERLIN)


def test_price_adds_up_the_rates_of_the_hours_it_crosses():
    # half of hour 8 at 9 %, hours 9 and 10 at 10 and 11 %, a quarter of hour 11 at 12 %
    assert table(peak=1000).price_cents(shanghai(23, 8, 30), shanghai(23, 11, 15)) == 45 + 100 + 110 + 30


def test_price_of_nothing_is_nothing():
    assert table().price_cents(shanghai(23, 8), shanghai(23, 8)) == 0


@pytest.mark.parametrize(
    ("peak", "minutes", "expected"),
    [(1, 30, 1), (1, 29, 0), (3, 10, 1), (3, 9, 0), (5, 30, 3), (600, 15, 150)],
    ids=["half goes up", "less goes down", "half of three", "under it", "two and a half", "exact"],
)
def test_price_is_rounded_once_half_up(peak, minutes, expected):
    rates = table(peak=peak, workday=(100,) * 24)

    assert rates.price_cents(shanghai(23, 8), shanghai(23, 8) + timedelta(minutes=minutes)) == expected


def test_parts_of_a_cent_add_up_before_they_are_rounded():
    rates = table(peak=1, workday=(40,) * 24)

    assert rates.price_cents(shanghai(23, 8), shanghai(23, 13)) == 2


def test_price_is_an_integer():
    assert type(table().price_cents(shanghai(23, 8, 7), shanghai(23, 9, 3))) is int


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        pytest.param(berlin(3, 29, 1), berlin(3, 29, 4), 2 + 4, id="hour two is skipped"),
        pytest.param(berlin(10, 25, 1), berlin(10, 25, 4), 2 + 3 + 3 + 4, id="hour two comes twice"),
    ],
)
@pytest.mark.parametrize("written_in", [UTC, BERLIN], ids=["in UTC", "in local time"])
def test_price_over_the_nights_on_which_the_clock_changes(starts, ends, expected, written_in):
    price = table("Europe/Berlin").price_cents(starts.astimezone(written_in), ends.astimezone(written_in))

    assert price == expected


def test_local_hours_begin_where_the_zone_says():
    kathmandu = ZoneInfo("Asia/Kathmandu")
    starts = datetime(2026, 11, 23, 8, tzinfo=kathmandu)

    assert table("Asia/Kathmandu").price_cents(starts.astimezone(UTC), starts + timedelta(hours=2)) == 9 + 10


def test_holidays_and_make_up_days_take_the_curve_they_stand_for():
    acts_as = {date(2026, 11, 25): 7, date(2026, 11, 28): 3}
    rates = table(workday=(100,) * 24, day_off=(50,) * 24, acts_as=acts_as)

    prices = [rates.price_cents(shanghai(day, 10), shanghai(day, 11)) for day in (24, 25, 28, 29)]

    assert prices == [100, 50, 100, 50]


def test_the_kind_of_day_changes_at_local_midnight():
    rates = table(workday=(100,) * 24, day_off=(50,) * 24)

    assert rates.price_cents(shanghai(27, 23), shanghai(28, 1)) == 150


@given(
    offset_min=st.integers(0, 14 * 24 * 60),
    first_min=st.integers(0, 3000),
    second_min=st.integers(0, 3000),
    zone=st.sampled_from(
        ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
    ),
)
def test_price_agrees_with_a_count_of_minutes(offset_min, first_min, second_min, zone):
    """Sum the minutes one by one, around the night on which summer time ends."""
    rates = table(zone, peak=977, day_off=tuple(reversed(RAMP)))
    starts = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(minutes=offset_min)
    minutes = min(first_min + second_min, 3000)

    exact = sum(
        Fraction(rates.importance_at(starts + timedelta(minutes=number)) * 977, 6000) for number in range(minutes)
    )

    rounded_half_up = (exact + Fraction(1, 2)).__floor__()
    assert rates.price_cents(starts, starts + timedelta(minutes=minutes)) == rounded_half_up


@pytest.mark.django_db
@pytest.mark.parametrize("land_use", LandUse.values)
@pytest.mark.parametrize("kind", DayType.values)
def test_every_land_use_has_a_curve_that_reaches_its_peak(land_use, kind):
    curve = Tariff.objects.get(lot=None, land_use=land_use, day_type=kind).importance_percent

    assert len(curve) == 24
    assert 0 < min(curve) <= max(curve) <= 100


@pytest.mark.django_db
def test_a_lots_own_curve_goes_before_that_of_its_land_use():
    own, plain = make_lot(land_use=LandUse.OFFICE), make_lot(land_use=LandUse.OFFICE)
    Tariff.objects.create(lot=own, day_type=DayType.WORKDAY, importance_percent=[7] * 24)

    tables = rate_tables([own, plain], first=date(2026, 11, 20), last=date(2026, 11, 30))

    workday = shanghai(23, 3)
    assert tables[own.pk].importance_at(workday) == 7
    assert tables[plain.pk].importance_at(workday) == 30
    assert tables[own.pk].importance_at(shanghai(28, 3)) == 35


@pytest.mark.django_db
def test_a_rate_table_knows_the_calendar_at_both_ends():
    lot = make_lot(peak_rate_cents=1000, land_use=LandUse.OFFICE)
    CalendarDay.objects.create(date=date(2026, 11, 24), kind=CalendarDay.Kind.HOLIDAY, acts_as=7)
    starts, ends = shanghai(23, 23), shanghai(24, 1)

    price = rate_table(lot, starts_at=starts, ends_at=ends).price_cents(starts, ends)

    assert price == 350 + 350


@pytest.mark.django_db
def test_tables_of_many_lots_take_as_many_queries_as_of_one(django_assert_num_queries):
    lots = [make_lot() for _ in range(5)]

    with django_assert_num_queries(1):
        rate_tables(lots, first=date(2026, 11, 20), last=date(2026, 11, 30))
