"""What the city knows of its lots, how old it is, and how promises were kept; small counts stay hidden."""

import pytest
from django.urls import reverse

from parking_share import clock
from parking_share.spaces.models import District, Role
from tests.factories import grant, hours, make_device, make_gateway, make_lot, make_space, make_user
from tests.interface.admin_rows import a_booking
from tests.interface.pages import MOST_QUERIES, client_of, queries_of, text_of
from tests.interface.sensor_rows import (
    make_broken_promise,
    make_discrepancy,
    make_incident,
    make_raw_message,
    make_slot,
)

pytestmark = pytest.mark.django_db

URL = reverse("web:city_sensors")


@pytest.fixture
def district() -> District:
    return District.objects.create(city="深圳", name="福田")


@pytest.fixture
def staff(district):
    user = make_user()
    grant(user, Role.CITY_STAFF, district=district)
    return client_of(user)


def quarter_that_is_over(number: int = 1):
    """The start of a quarter of an hour that ended a moment ago, or some quarters before."""
    return clock.now() - hours(0.25 * number) - hours(0.01)


def test_every_lot_tells_the_age_of_its_data_and_how_much_is_unknown(staff, district):
    known, stuck, silent = (make_lot(district=district, name=name) for name in ("known", "stuck", "silent"))
    make_slot(known, quarter_that_is_over(), unknown_share=0.004)
    make_slot(stuck, quarter_that_is_over(9), quality="STUCK")

    shown = text_of(staff.get(URL))

    assert "known 36 seconds 4 / 10 under 1 % bay sensors" in shown or "known 36 seconds 5 / 10" in shown
    assert "stuck 2 hours – 0 % bay sensors counter stuck" in shown
    assert "silent no data – 100 %" in shown
    assert reverse("web:city_day", args=[silent.pk]) in staff.get(URL).content.decode()


def test_silent_gateways_and_unread_messages_are_counted(staff, district):
    lot = make_lot(district=district)
    gateway = make_gateway(lot, name="Quiet box")
    make_device(lot, gateway=gateway)
    make_raw_message(gateway)
    elsewhere = make_lot()
    make_device(elsewhere, gateway=make_gateway(elsewhere, name="Their box"))

    shown = text_of(staff.get(URL))

    assert "1 gateway with silent devices" in shown
    assert "1 message could not be read" in shown
    assert "Quiet box never 1 1 1" in shown
    assert "Their box" not in shown


@pytest.mark.parametrize(("count", "shown"), [(4, "<5"), (5, "5")])
def test_few_troubles_are_not_counted_out(staff, district, count, shown):
    lot = make_lot(district=district)
    for number in range(count):
        make_discrepancy(make_space(lot), opened_at=clock.now())
        booking = a_booking(number=number)
        type(booking).objects.filter(pk=booking.pk).update(lot=lot)
        make_incident(booking, space=make_space(lot), opened_at=clock.now())
        make_broken_promise(booking, happened_at=clock.now())
    make_discrepancy(make_space(lot), opened_at=clock.now(), closed_at=clock.now(), outcome="CLEARED")
    make_incident(booking, space=make_space(lot), opened_at=clock.now() - hours(8 * 24))

    assert f"深圳 福田 {shown} {shown} {shown}" in text_of(staff.get(URL))


def test_staff_see_their_district_and_no_other(staff, district):
    mine, theirs = make_lot(district=district, name="Mine"), make_lot(name="Theirs")
    everything = "".join(
        text_of(staff.get(f"{URL}{asked}")) for asked in ("", f"?district={theirs.district_id}", "?q=The")
    )

    assert mine.name in everything
    assert theirs.name not in everything


@pytest.mark.parametrize("role", [None, Role.MANAGER, Role.GUARD])
def test_who_oversees_no_district_finds_nothing(role):
    user, lot = make_user(), make_lot()
    if role:
        grant(user, role, lot=lot)

    assert client_of(user).get(URL).status_code == 404
    assert client_of(user).get(reverse("web:city_day", args=[lot.pk])).status_code == 404


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get(URL)["Location"].startswith(reverse("account_login"))


def test_a_long_list_of_lots_comes_in_pages(staff, district):
    for number in range(51):
        make_lot(district=district, name=f"Lot of many {number:02d}")

    assert len(staff.get(URL).context["rows"]) == 50
    assert [row["lot"].name for row in staff.get(URL, {"page": 2}).context["rows"]] == ["Lot of many 50"]


def test_the_page_costs_the_same_for_one_row_and_for_three(district):
    user = make_user()
    grant(user, Role.CITY_STAFF, district=district)
    client = client_of(user)

    def grow() -> None:
        other = District.objects.create(city="深圳", name=f"district {District.objects.count()}")
        grant(user, Role.CITY_STAFF, district=other)
        for place in (district, other):
            lot = make_lot(district=place)
            make_slot(lot, quarter_that_is_over())
            make_device(lot)
            make_discrepancy(make_space(lot), opened_at=clock.now())

    grow()
    before = queries_of(client, URL)
    grow()
    grow()

    assert queries_of(client, URL) == before <= MOST_QUERIES
