"""What was learnt of a lot, as its city staff read it."""

from datetime import date

import pytest
from django.urls import reverse

from parking_share import clock
from parking_share.spaces.models import DayType, District, Role
from tests.domain.test_learnt_use import counted, make_learnt
from tests.factories import NOW, grant, hours, make_lot, make_shared_lot, make_user
from tests.interface.pages import MOST_QUERIES, client_of, queries_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock_stands_still(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def lot():
    return make_shared_lot(spaces=2)


@pytest.fixture
def staff(lot):
    user = make_user()
    grant(user, Role.CITY_STAFF, district=lot.district)
    return client_of(user)


def page_of(lot) -> str:
    return reverse("web:city_learnt", args=[lot.pk])


def test_page_says_what_was_seen_how_often_and_since_when(staff, lot):
    make_learnt(
        lot,
        occupied=[1.0] * 48 + [2.0] * 48,
        occupied_days=[20] * 96,
        arrivals=counted(h9=80),
        asked_days=40,
        stay_lengths=[0] * 7 + [970] + [0] * 88,
        first_date=date(2026, 10, 1),
        last_date=date(2026, 11, 20),
    )

    page = staff.get(page_of(lot))
    words = text_of(page)

    workday = page.context["days"][0]
    assert "Mon 23 Nov 08:00 version 1, engine 1" in words
    assert "2026-10-01 – 2026-11-20" in words
    assert "Days on which bays were watched 20" in words
    assert "80 on 40 days" in words
    assert "Completed stays 970" in words
    assert "Most frequent stay 2.03 h" in words
    assert (workday.hours[0].importance_percent, workday.hours[0].tariff_percent) == (52, 60)
    assert (workday.hours[9].requests_seen, workday.hours[9].bays_in_use) == (2, 1)
    assert workday.hours[9].requests_expected == pytest.approx(2 * 40 / 45, rel=0.1)


def test_page_of_a_lot_that_taught_nothing_says_so_and_shows_what_is_believed(staff, lot):
    page = staff.get(page_of(lot))

    assert text_of(page).count("Nothing yet: all below is as believed before.") == len(DayType)
    assert all(
        hour.importance_percent == hour.tariff_percent and hour.bays_in_use is None
        for day in page.context["days"]
        for hour in day.hours
    )
    assert "Most frequent stay 3.00 h" in text_of(page)


def test_nobody_is_guessed_for_hours_in_which_no_bay_is_shared(staff):
    lot = make_shared_lot(spaces=2, starts_at=NOW + hours(1), ends_at=NOW + hours(2))  # a Monday from 9 to 10
    make_learnt(lot)

    workday, _day_off = staff.get(page_of(lot)).context["days"]

    assert [hour.hour for hour in workday.hours if hour.requests_expected] == [9]


def test_policy_page_leads_there(staff, lot):
    page = staff.get(reverse("web:city_policy", args=[lot.pk]))

    assert f'href="{page_of(lot)}"' in page.content.decode()


def test_lots_of_other_districts_are_not_there(staff, lot):
    elsewhere = make_lot(district=District.objects.create(city="贵阳", name="南明"))

    assert staff.get(page_of(elsewhere)).status_code == 404
    assert client_of(make_user()).get(page_of(lot)).status_code == 404


def test_page_takes_few_queries(staff, lot):
    make_learnt(lot)
    make_learnt(lot, DayType.DAY_OFF)

    assert queries_of(staff, page_of(lot)) <= MOST_QUERIES
