"""The owner's pages: register, preview, publish, take out, withdraw; and nobody else's bay."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allocation import services as allocation
from parking_share import clock
from parking_share.reservations.models import Reservation
from parking_share.reservations.services import Wish
from parking_share.reservations.states import Status
from parking_share.spaces.models import Space
from tests.factories import make_lot, make_space, make_user, make_vehicle, share_weekly

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")
MOST_QUERIES = 12
DAILY = {
    "weekdays": ["1", "2", "3", "4", "5", "6", "7"],
    "starts_at_local": "08:30",
    "ends_at_local": "18:00",
    "first_date": "2026-01-01",
    "last_date": "",
}


@pytest.fixture(autouse=True)
def in_english(client) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"


@pytest.fixture
def owner(client):
    user = make_user()
    client.force_login(user)
    return user


@pytest.fixture
def space(owner) -> Space:
    return make_space(make_lot(name="翠竹苑"), owner=owner, label="B-12", return_margin_min=15)


def page(name: str, *args) -> str:
    return reverse(f"web:{name}", args=args)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def tomorrow(hour: int) -> datetime:
    day = clock.now().astimezone(SHANGHAI).date() + timedelta(days=1)
    return datetime.combine(day, time(hour), tzinfo=SHANGHAI)


def book(space: Space, starts_at: datetime, ends_at: datetime) -> Reservation:
    driver, now = make_user(display_name="Somebody Particular"), clock.now()
    wish = Wish(lot=space.lot, vehicles=[make_vehicle(driver)], starts_at=starts_at, ends_at=ends_at)
    reservation = allocation.request_reservation(driver=driver, wish=wish, now=now)
    allocation.decide(lot_id=space.lot_id, now=now)
    reservation.refresh_from_db()
    assert reservation.status == Status.ACCEPTED
    return reservation


def share_daily(space: Space) -> None:
    share_weekly(space, starts_at=time(8, 30), ends_at=time(18), now=clock.now())


def test_an_owner_without_a_bay_sees_how_to_get_one(client, owner):
    response = client.get(page("owner_spaces"))

    assert "You have no bay here yet." in text(response)
    assert page("owner_register") in text(response)


def test_a_bay_is_registered_and_waits_for_approval(client, owner):
    lot = make_lot(name="Bamboo Court")
    found = client.get(page("owner_register"), {"q": "bamboo"})
    assert f"?lot={lot.pk}" in text(found)

    answer = client.post(
        f"{page('owner_register')}?lot={lot.pk}", {"label": "C-7", "size": 2, "return_margin_min": 30}, follow=True
    )

    space = owner.spaces.get()
    assert (space.lot, space.label, space.standing, space.return_margin_min) == (lot, "C-7", "PENDING", 30)
    assert "waits for the property manager" in text(answer)


def test_a_label_that_is_taken_is_refused_beside_the_field(client, owner):
    theirs = make_space(make_lot(), label="C-7")

    answer = client.post(
        f"{page('owner_register')}?lot={theirs.lot_id}", {"label": "C-7", "size": 2, "return_margin_min": 15}
    )

    assert "Bay C-7 of" in str(answer.context["form"].errors["label"])
    assert not owner.spaces.exists()


@pytest.mark.parametrize("lot", ["999999", "x", "9" * 30, "²"])
def test_a_lot_that_is_not_there_does_no_harm(client, owner, lot):
    assert client.get(page("owner_register"), {"lot": lot}).status_code in {200, 404}


def test_hours_are_shown_before_they_are_published(client, space):
    preview = client.post(page("owner_hours", space.pk), DAILY)

    assert not space.rules.exists()
    assert "17:45" in text(preview)
    assert "¥" in text(preview)
    assert 'name="publish"' in text(preview)

    published = client.post(page("owner_hours", space.pk), DAILY | {"publish": "1"}, follow=True)

    assert space.rules.get().weekdays == [1, 2, 3, 4, 5, 6, 7]
    assert "Your hours are published." in text(published)


def test_the_hidden_form_of_the_preview_publishes_what_was_previewed(client, space):
    form = client.post(page("owner_hours", space.pk), DAILY).context["form"]
    hidden = {field.html_name: field.value() for field in form}

    client.post(page("owner_hours", space.pk), hidden | {"publish": "1"})

    rule = space.rules.get()
    assert (rule.starts_at_local, rule.ends_at_local, rule.last_date) == (time(8, 30), time(18), None)


def test_hours_that_touch_others_are_shown_joined(client, space):
    share_daily(space)

    preview = client.post(page("owner_hours", space.pk), DAILY | {"starts_at_local": "18:00", "ends_at_local": "22:00"})

    assert "they are joined" in text(preview)
    assert "21:45" in text(preview)


def test_an_end_before_the_start_means_the_next_day_and_the_page_says_so(client, space):
    assert "lies on the next day" in text(client.get(page("owner_hours", space.pk)))

    client.post(
        page("owner_hours", space.pk),
        DAILY | {"starts_at_local": "18:00", "ends_at_local": "08:00", "publish": "1"},
    )

    assert "(next day)" in text(client.get(page("owner_space", space.pk)))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"weekdays": []}, "Choose at least one weekday."),
        ({"last_date": "2025-12-31"}, "The last day can&#x27;t be before the first."),
        ({"last_date": "2026-01-02"}, "The last day lies in the past."),
        ({"starts_at_local": "25:99"}, "Enter a valid time."),
        ({"first_date": "9999-12-31"}, "Ensure this value is less than or equal to 2100-01-01."),
    ],
)
def test_hours_that_make_no_sense_are_refused_in_a_sentence(client, space, wrong, sentence):
    answer = client.post(page("owner_hours", space.pk), DAILY | wrong | {"publish": "1"})

    assert sentence in text(answer)
    assert not space.rules.exists()


def test_a_period_is_taken_out_and_shared_again(client, space):
    share_daily(space)
    period = {"starts_at": f"{tomorrow(10):%Y-%m-%dT%H:%M}", "ends_at": f"{tomorrow(12):%Y-%m-%dT%H:%M}"}

    client.post(page("owner_take_out", space.pk), period)

    exception = space.exceptions.get()
    assert (exception.starts_at, exception.ends_at) == (tomorrow(10), tomorrow(12))
    assert "Share it again" in text(client.get(page("owner_space", space.pk)))

    client.post(page("owner_restore", exception.pk))
    assert not space.exceptions.exists()


def test_a_period_in_the_past_is_refused_on_the_page(client, space):
    answer = client.post(
        page("owner_take_out", space.pk), {"starts_at": "2020-01-01T10:00", "ends_at": "2020-01-01T12:00"}
    )

    assert "Choose a period that ends in the future" in text(answer)


def test_the_return_margin_is_changed_within_its_range(client, space):
    client.post(page("owner_margin", space.pk), {"minutes": "45"})
    space.refresh_from_db()
    assert space.return_margin_min == 45

    answer = client.post(page("owner_margin", space.pk), {"minutes": "241"})

    space.refresh_from_db()
    assert space.return_margin_min == 45
    assert "margin_form" in answer.context
    assert answer.context["margin_form"].errors


def test_withdrawing_says_which_times_stay_promised(client, space):
    share_daily(space)
    book(space, tomorrow(9), tomorrow(11))
    rule = space.rules.get()

    asked = text(client.get(page("owner_withdraw", rule.pk)))
    assert "promised already and stay with the drivers" in asked
    assert "09:00" in asked

    done = text(client.post(page("owner_withdraw", rule.pk), follow=True))
    assert "Promised outside your hours" in done
    assert "09:00" in done
    assert client.get(page("owner_withdraw", rule.pk)).status_code == 404


def test_what_is_booked_is_shown_by_its_times_and_never_by_who(client, space):
    share_daily(space)
    booking = book(space, tomorrow(9), tomorrow(11))

    shown = text(client.get(page("owner_space", space.pk)))

    plate = booking.vehicle_rows.get().vehicle
    assert "09:00" in shown
    for secret in (str(booking.driver), booking.driver.email, plate.plate, plate.masked_plate):
        assert secret not in shown


def test_hours_around_the_clock_stand_on_every_day_and_a_night_where_it_begins(client, space):
    share_weekly(space, starts_at=time(0), ends_at=time(0), now=clock.now())

    days = client.get(page("owner_space", space.pk)).context["days"]

    assert [len(day.windows) for day in days] == [1] * 14
    starts, ends = days[3].windows[0]
    assert (starts.astimezone(SHANGHAI).date(), ends - starts) == (days[3].date, timedelta(days=1))

    space.rules.all().delete()
    share_weekly(space, starts_at=time(18), ends_at=time(8), weekdays=[days[3].date.isoweekday()], now=clock.now())
    nights = client.get(page("owner_space", space.pk)).context["days"]
    assert [day.date for day in nights if day.windows] == [days[3].date, days[10].date]


OWN = ["owner_space", "owner_hours", "owner_take_out", "owner_margin"]


def test_another_owners_bay_is_not_there(client, owner):
    theirs = make_space(make_lot(), owner=make_user())
    share_daily(theirs)
    rule = theirs.rules.get()

    answers = [client.get(page(name, theirs.pk)).status_code for name in OWN[:2]]
    answers += [client.post(page(name, theirs.pk), DAILY).status_code for name in OWN[1:]]
    answers += [client.post(page("owner_withdraw", rule.pk)).status_code]

    assert set(answers) == {404}
    rule.refresh_from_db()
    assert rule.withdrawn_at is None


def test_a_stranger_is_asked_to_sign_in(client):
    space = make_space(make_lot(), owner=make_user())

    urls = [page("owner_spaces"), page("owner_register"), *(page(name, space.pk) for name in OWN[:2])]

    for url in urls:
        answer = client.get(url)
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))


def count_queries(client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_pages_cost_the_same_for_one_row_and_for_three(client, owner, space):
    def grow(number: int) -> None:
        other = make_space(space.lot, owner=owner)
        share_weekly(space, starts_at=time(8 + 3 * number), ends_at=time(10 + 3 * number), now=clock.now())
        share_weekly(other, starts_at=time(8), ends_at=time(18), now=clock.now())
        book(space, tomorrow(8 + 3 * number), tomorrow(9 + 3 * number))
        client.post(
            page("owner_take_out", space.pk),
            {"starts_at": f"{tomorrow(20 + number):%Y-%m-%dT%H:%M}", "ends_at": f"{tomorrow(22):%Y-%m-%dT%H:%M}"},
        )

    grow(0)
    rule = space.rules.get()
    urls = [
        page("owner_spaces"),
        page("owner_space", space.pk),
        page("owner_hours", space.pk),
        page("owner_withdraw", rule.pk),
        f"{page('owner_register')}?q=翠",
    ]
    client.get(urls[1])
    before = {url: count_queries(client, url) for url in urls}

    grow(1)
    grow(2)

    assert {url: count_queries(client, url) for url in urls} == before
    assert max(before.values()) <= MOST_QUERIES


def test_words_that_no_database_stores_find_what_the_rest_means(client, owner):
    lot = make_lot()

    assert lot.name in text(client.get(page("owner_register"), {"q": f"{lot.name}\x00"}))
