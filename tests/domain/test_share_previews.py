"""What an owner is told before publishing, and what is refused."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from parking_share.spaces import services
from parking_share.spaces.models import ShareWindow, Space
from parking_share.spaces.recurrence import WeeklyOffer
from tests.factories import NOW, make_lot, make_space, share_weekly

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")


def bay(margin: int = 0, **lot_fields) -> Space:
    return make_space(make_lot(**lot_fields), return_margin_min=margin)


def windows_of(space: Space) -> list[ShareWindow]:
    return list(ShareWindow.objects.filter(space=space, superseded_at__isnull=True).order_by("starts_at"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"weekdays": []}, "Choose at least one weekday."),
        ({"weekdays": [0, 8]}, "Weekdays are 1 for Monday to 7 for Sunday."),
        ({"first_date": date(2026, 12, 2), "last_date": date(2026, 12, 1)}, "The last day can't be before the first."),
        ({"last_date": date(2026, 11, 22)}, "The last day lies in the past. Choose today or later, or leave it empty."),
    ],
)
def test_hours_that_make_no_sense_are_refused(fields, sentence):
    space = bay()

    with override("en"), pytest.raises(services.ShareRefused, match=sentence):
        share_weekly(space, starts_at=time(8), ends_at=time(18), **fields)

    assert space.rules.count() == 0


@pytest.mark.parametrize("minutes", [-1, 241])
def test_a_return_margin_out_of_range_is_refused(minutes):
    space = bay(margin=10)

    with pytest.raises(services.ShareRefused):
        services.set_return_margin(space=space, minutes=minutes, now=NOW)

    space.refresh_from_db()
    assert space.return_margin_min == 10


def test_preview_says_what_publishing_will_do_and_writes_nothing():
    space = bay(margin=15, peak_rate_cents=600)
    share_weekly(space, starts_at=time(8), ends_at=time(12), weekdays=[2])
    offer = WeeklyOffer(weekdays=frozenset({2}), starts_at=time(12), ends_at=time(18), first_date=date(2026, 11, 23))

    preview = services.preview_hours(space=space, offer=offer, now=NOW)

    assert preview.joins_other_hours
    assert windows_of(space)[0].ends_at == datetime(2026, 11, 24, 11, 45, tzinfo=SHANGHAI)
    share_weekly(space, starts_at=time(12), ends_at=time(18), weekdays=[2], first_date=offer.first_date)
    assert [(row.starts_at, row.ends_at) for row in preview.windows] == [
        (row.starts_at, row.ends_at) for row in windows_of(space)[:1]
    ]
    # 8-9: 90, 9-12: 100, 12-14: 95, 14-16: 100, 16-17: 95, 17-17:45: 85 per cent of 6.00 an hour: 5632.5 minor units
    assert preview.most_cents == 5633


def test_preview_of_a_later_offer_shows_its_first_week():
    space = bay()
    offer = WeeklyOffer(
        weekdays=frozenset(range(1, 8)), starts_at=time(20), ends_at=time(7), first_date=date(2027, 1, 4)
    )

    preview = services.preview_hours(space=space, offer=offer, now=NOW)

    assert [row.starts_at.astimezone(SHANGHAI).date() for row in preview.windows] == [
        date(2027, 1, 4) + timedelta(days=day) for day in range(7)
    ]
    assert not preview.joins_other_hours


def test_preview_of_round_the_clock_is_cut_to_the_week():
    space = bay()
    offer = WeeklyOffer(
        weekdays=frozenset(range(1, 8)), starts_at=time(0), ends_at=time(0), first_date=date(2026, 11, 24)
    )

    preview = services.preview_hours(space=space, offer=offer, now=NOW)

    assert [(row.ends_at - row.starts_at) for row in preview.windows] == [timedelta(days=7)]
