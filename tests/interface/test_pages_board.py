"""Bays now and the day of a lot, for its manager and for city staff."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from parking_share.spaces.models import DayType, Lot, Role
from parking_share.web.charts import day_chart
from sensors.models import Occupancy
from tests.factories import NOW, grant, hours, make_device, make_lot, make_space, make_user
from tests.interface.pages import MOST_QUERIES, at, client_of, queries_of, text_of
from tests.interface.sensor_rows import make_bay_state, make_profile, make_slot

pytestmark = pytest.mark.django_db

MIDNIGHT = NOW - hours(8)  # in Shanghai


@pytest.fixture
def lot() -> Lot:
    return make_lot(name="Bamboo Court", capacity=10)


@pytest.fixture
def manager(lot):
    user = make_user()
    grant(user, Role.MANAGER, lot=lot)
    return user


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


def test_every_bay_is_told_by_word_sign_and_age(manager, lot, monkeypatch):
    for label, state in (("A1", Occupancy.FREE), ("A2", Occupancy.OCCUPIED), ("A3", Occupancy.CLOSED)):
        make_bay_state(make_space(lot, label=label), state, at=NOW - timedelta(minutes=5), since=NOW - hours(3))
    silent = make_space(lot, label="A4")
    make_bay_state(silent, Occupancy.FREE, at=NOW - hours(5))
    make_space(lot, label="A5")

    with at(monkeypatch):
        shown = text_of(client_of(manager).get(page("manager_board", lot.pk)))

    assert "A1 ○ free for 3 hours" in shown
    assert "A2 ● occupied for 3 hours" in shown
    assert "A3 ✕ closed for 3 hours" in shown
    assert "A4 ? unknown for 3 hours" in shown
    assert "A5 ? unknown never heard" in shown
    assert "1 bay has no sensor that was ever heard; it is unknown, not free." in shown
    assert "○ free 1 ● occupied 1 ✕ closed 1 ? unknown 2" in shown


def test_bays_can_be_narrowed_by_their_state(manager, lot, monkeypatch):
    make_bay_state(make_space(lot, label="A1"), Occupancy.FREE)
    make_bay_state(make_space(lot, label="A2"), Occupancy.OCCUPIED)

    with at(monkeypatch):
        shown = client_of(manager).get(page("manager_board", lot.pk), {"state": "OCCUPIED"}).context["rows"]

    assert [row["space"].label for row in shown] == ["A2"]


def test_a_day_is_drawn_from_its_slots_with_what_is_usual_behind_it(lot):
    make_slot(lot, MIDNIGHT, mean_occupied=5, most_occupied=6)
    make_slot(lot, MIDNIGHT + hours(0.25), mean_occupied=10, most_occupied=10, unknown_share=0.25)
    make_slot(lot, MIDNIGHT + hours(0.5), mean_occupied=None, most_occupied=None, quality="WORDS", state_text="FULL")
    make_slot(lot, MIDNIGHT - hours(0.25), mean_occupied=1, most_occupied=1)
    make_profile(lot, mean_occupied=[2.5] * 95 + [None])

    chart = day_chart(lot, date(2026, 11, 23))

    assert chart.kind_of_day == DayType.WORKDAY
    assert (chart.width, chart.top, chart.middle) == (96, 10, 5)
    assert chart.occupied_path == "M0,100V50.0h1V100zM1,100V0.0h1V100z"
    assert chart.unknown_path == "M1,0v25.0h1V0zM2,0v100.0h1V0z"
    assert chart.usual_path == "M0,75.0h1" + "V75.0h1" * 94
    assert chart.summary == "Fullest at 00:15: 10 of 10 bays taken."
    assert [f"{label:%H:%M}" for label in chart.hour_labels] == ["00:00", "06:00", "12:00", "18:00", "00:00"]
    assert [row.note for row in chart.shown[:4]] == ["", "", "FULL", ""]


@pytest.mark.parametrize(
    ("day", "quarters", "labels"),
    [
        (date(2026, 10, 25), 100, ["00:00", "05:15", "11:30", "17:45", "00:00"]),
        (date(2026, 3, 29), 92, ["00:00", "06:45", "12:30", "18:15", "00:00"]),
    ],
)
def test_a_day_on_which_clocks_change_has_its_own_length(day, quarters, labels):
    lot = make_lot(time_zone="Europe/Berlin")
    last = datetime(day.year, day.month, day.day, 22 if quarters == 100 else 21, 45, tzinfo=UTC)
    make_slot(lot, last, mean_occupied=1, most_occupied=1)

    chart = day_chart(lot, day)

    assert chart.width == quarters
    assert [f"{label:%H:%M}" for label in chart.hour_labels] == labels
    assert [one.position for one in chart.quarters if one.mean is not None] == [quarters - 1]


def test_the_picture_comes_with_the_same_as_a_table(manager, lot, monkeypatch):
    make_slot(lot, MIDNIGHT, mean_occupied=4.5, most_occupied=6)

    with at(monkeypatch):
        shown = text_of(client_of(manager).get(page("manager_board", lot.pk)))

    assert "How full it was, Mon 23 Nov" in shown
    assert "00:00 4.5 6 – 0 % 0 %" in shown
    assert "Fullest at 00:00: 6 of 10 bays taken." in shown
    assert "What is usual is not known yet." in shown


@pytest.mark.parametrize("day", ["2026-11-22", "nonsense", "2026-13-40", "0001-01-01", ""])
def test_a_day_without_counts_says_so_and_a_wrong_one_is_today(manager, lot, monkeypatch, day):
    with at(monkeypatch):
        shown = text_of(client_of(manager).get(page("manager_board", lot.pk), {"day": day}))

    assert "No sensor or gate has counted this lot on this day" in shown
    assert ("Sun 22 Nov" if day == "2026-11-22" else "Mon 23 Nov") in shown


def test_city_staff_see_the_day_of_lots_in_their_district_only(lot):
    staff = make_user()
    grant(staff, Role.CITY_STAFF, district=lot.district)
    elsewhere = make_lot(district=type(lot.district).objects.create(city="There", name="Away"))
    client = client_of(staff)

    assert "Bamboo Court" in text_of(client.get(page("city_day", lot.pk)))
    assert client.get(page("city_day", elsewhere.pk)).status_code == 404
    assert client.get(page("manager_board", lot.pk)).status_code == 404


def test_another_managers_lot_is_not_there(manager):
    assert client_of(manager).get(page("manager_board", make_lot().pk)).status_code == 404


def test_pages_cost_the_same_for_one_row_and_for_three(manager, lot):
    def grow() -> None:
        space = make_space(lot)
        make_bay_state(space, Occupancy.OCCUPIED, device=make_device(lot, space=space))
        make_slot(lot, NOW + hours(lot.occupancy_slots.count()))

    client, url = client_of(manager), page("manager_board", lot.pk)
    grow()
    before = queries_of(client, url)
    grow()
    grow()

    assert queries_of(client, url) == before <= MOST_QUERIES
