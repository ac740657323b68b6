"""The admin: every model is there, pages cost the same however many rows, and what may not be written can't be."""

import logging
import re
from collections.abc import Callable
from datetime import date, time

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allocation import policies
from allocation import services as allocation
from allocation.models import Assignment, Decision, LotPolicy
from parking_share.accounts.models import ApiToken, User, Vehicle
from parking_share.accounts.services import issue_api_token
from parking_share.notices.models import EventCursor, Notice
from parking_share.reservations.models import IdempotencyKey, Reservation, ReservationEvent, ReservationVehicle
from parking_share.reservations.services import OnceOnly, Wish
from parking_share.reservations.states import Status
from parking_share.spaces import models as spaces
from parking_share.spaces import services as space_services
from tests.factories import (
    NOW,
    PASSWORD,
    grant,
    hours,
    make_lot,
    make_shared_lot,
    make_space,
    make_user,
    make_vehicle,
    make_window,
    share_weekly,
)

pytestmark = pytest.mark.django_db

ROOMS = ("accounts", "spaces", "reservations", "notices", "allocation")
MOST_QUERIES = 15
READ_ONLY = (
    Assignment,
    ApiToken,
    Decision,
    EventCursor,
    IdempotencyKey,
    Notice,
    Reservation,
    ReservationEvent,
    ReservationVehicle,
    spaces.ShareWindow,
)


def a_booking(*, number: int = 0) -> Reservation:
    """A reservation that is decided and announced, made with an idempotency key."""
    lot, driver = make_shared_lot(spaces=1), make_user()
    wish = Wish(lot=lot, vehicles=[make_vehicle(driver)], starts_at=NOW + hours(1), ends_at=NOW + hours(2))
    once = OnceOnly(key=f"key {number}", fingerprint="0" * 64)
    reservation = allocation.request_reservation(driver=driver, wish=wish, now=NOW, once=once)
    allocation.decide(lot_id=lot.pk, now=NOW)
    allocation.assign_arrivals(lot_id=lot.pk, now=NOW + hours(0.9))
    reservation.refresh_from_db()
    assert reservation.status == Status.ASSIGNED
    return reservation


def a_notice(number: int) -> Notice:
    reservation = a_booking(number=number)
    return Notice.objects.create(recipient=reservation.driver, event=reservation.events.first(), created_at=NOW)


def a_share_rule(_number: int) -> spaces.ShareRule:
    space = make_space(make_lot())
    share_weekly(space, starts_at=time(8), ends_at=time(18))
    return space.rules.get()


def an_exception(_number: int) -> spaces.ShareException:
    return space_services.withdraw_hours(space=make_space(make_lot()), starts_at=NOW, ends_at=NOW + hours(1), now=NOW)


def a_policy(_number: int) -> LotPolicy:
    settings = policies.Settings(name="fcfs", threshold=1.5, fragment_weight=0.7, modal_stay_h=3.0)
    return policies.change_policy(lot=make_lot(), settings=settings, changed_by=make_user(), now=NOW)


def a_token(_number: int) -> ApiToken:
    user = make_user()
    issue_api_token(user=user, name="curl", now=NOW)
    return user.api_tokens.get()


def an_address(_number: int) -> EmailAddress:
    user = make_user()
    return EmailAddress.objects.create(user=user, email=user.email)


MAKERS: dict[type, Callable[[int], object]] = {
    ApiToken: a_token,
    Assignment: lambda number: a_booking(number=number).assignments.get(),
    Decision: lambda number: a_booking(number=number).decision,
    EmailAddress: an_address,
    EventCursor: lambda number: EventCursor.objects.create(reader=f"reader {number}"),
    Group: lambda number: Group.objects.create(name=f"group {number}"),
    IdempotencyKey: lambda number: IdempotencyKey.objects.get(reservation=a_booking(number=number)),
    LotPolicy: a_policy,
    Notice: a_notice,
    Reservation: lambda number: a_booking(number=number),
    ReservationEvent: lambda number: a_booking(number=number).events.last(),
    ReservationVehicle: lambda number: a_booking(number=number).vehicle_rows.get(),
    User: lambda _number: make_user(),
    Vehicle: lambda _number: make_vehicle(make_user()),
    spaces.AccessClass: lambda number: spaces.AccessClass.objects.create(code=f"CLASS {number}", openness="0.50"),
    spaces.BookingLimits: lambda _number: spaces.BookingLimits.objects.create(lot=make_lot()),
    spaces.CalendarDay: lambda number: spaces.CalendarDay.objects.create(
        date=date(2026, 10, 1 + number), kind="HOLIDAY", acts_as=7
    ),
    spaces.District: lambda number: (
        make_lot(district=spaces.District.objects.create(city="深圳", name=f"district {number}")).district
    ),
    spaces.Gate: lambda number: spaces.Gate.objects.create(
        lot=make_lot(), name=f"gate {number}", latitude=22.5, longitude=114.1
    ),
    spaces.Lot: lambda _number: make_space(make_lot()).lot,
    spaces.Resident: lambda _number: spaces.Resident.objects.create(lot=make_lot(), user=make_user()),
    spaces.RoleGrant: lambda _number: grant(make_user(), spaces.Role.MANAGER, lot=make_lot()),
    spaces.ShareException: an_exception,
    spaces.ShareRule: a_share_rule,
    spaces.ShareWindow: lambda _number: make_window(make_space(make_lot()), NOW, NOW + hours(3)),
    spaces.Space: lambda _number: make_space(make_lot(), owner=make_user()),
    spaces.Tariff: lambda _number: spaces.Tariff.objects.create(
        lot=make_lot(), day_type="WORKDAY", importance_percent=[50] * 24
    ),
}
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def operator(client) -> User:
    user = User.objects.create_superuser("operator@example.org", PASSWORD, language="en")
    client.force_login(user)
    return user


def address(model, page: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_every_model_of_ours_is_in_the_admin():
    ours = {model for room in ROOMS for model in apps.get_app_config(room).get_models()}

    assert {model.__name__ for model in ours - set(REGISTERED)} == set()


def test_every_page_of_the_admin_has_a_maker_of_rows():
    assert {model.__name__ for model in set(REGISTERED) - set(MAKERS)} == set()


def costs(client, url: str, *, status: int = 200) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(url)
    assert response.status_code == status, url
    assert_obeys_the_content_security_policy(response.content.decode())
    return len(queries)


def assert_obeys_the_content_security_policy(html: str) -> None:
    for forbidden in (r"<script(?![^>]*\bsrc=)", r"<style\b", r"\sstyle=", r"\son[a-z]+=", r"javascript:"):
        assert re.search(forbidden, html) is None, forbidden


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_pages_cost_the_same_for_one_row_and_for_three(client, operator, model):
    first = MAKERS[model](1)
    for url in (address(model, "changelist"), address(model, "change", first.pk)):
        client.get(url)  # what Django looks up once per process is looked up now
    with_one = costs(client, address(model, "changelist"))
    to_change = costs(client, address(model, "change", first.pk))

    for number in (2, 3):
        MAKERS[model](number)

    assert costs(client, address(model, "changelist")) == with_one <= MOST_QUERIES
    assert costs(client, address(model, "change", first.pk)) == to_change <= MOST_QUERIES


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_add_pages_open_where_adding_is_allowed(client, operator, model):
    may_add = model not in READ_ONLY

    assert costs(client, address(model, "add"), status=200 if may_add else 403) <= MOST_QUERIES


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_lists_can_be_searched(client, operator, model):
    MAKERS[model](1)
    if admin.site._registry[model].search_fields:
        assert client.get(address(model, "changelist"), {"q": "a 7"}).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model._meta.label)
def test_rows_that_only_services_write_refuse_every_post(client, operator, model):
    row = MAKERS[model](1)
    before = list(model.objects.order_by("pk").values())

    answers = [
        client.post(address(model, "add"), {}).status_code,
        client.post(address(model, "change", row.pk), {"status": "CANCELLED"}).status_code,
        client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code,
    ]

    assert answers == [403, 403, 403]
    client.post(
        address(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    )
    assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("who", ["nobody", "driver", "operator by grant"])
def test_strangers_are_sent_away(client, who):
    if who != "nobody":
        user = make_user()
        client.force_login(user)
        if who == "operator by grant":
            grant(user, spaces.Role.OPERATOR)

    urls = [reverse("admin:index"), reverse("admin:reservations_reservation_by_plate")]
    urls += [address(model, "changelist") for model in REGISTERED]

    assert {client.get(url).status_code for url in urls} == {302}


def staff_with(*codenames: str) -> User:
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def test_staff_see_what_their_permissions_say(client):
    client.force_login(staff_with("view_lot"))

    assert client.get(address(spaces.Lot, "changelist")).status_code == 200
    assert client.get(address(spaces.Space, "changelist")).status_code == 403
    assert client.post(reverse("admin:reservations_reservation_by_plate"), {"plate": "粤B12345"}).status_code == 403
    assert client.post(reverse("admin:reservations_reservation_end", args=[1])).status_code == 403


def test_only_a_superuser_makes_superusers(client, operator):
    helper = staff_with("view_user", "change_user")
    client.force_login(helper)
    fields = {"email": helper.email, "language": "en", "is_active": "on", "is_superuser": "on", "is_staff": "on"}

    assert client.post(address(User, "change", helper.pk), fields).status_code == 302
    assert client.post(address(User, "change", operator.pk), fields).status_code == 403

    helper.refresh_from_db()
    assert not helper.is_superuser


def test_a_person_is_added_with_a_phone_number_alone_and_can_sign_in(client, operator):
    fields = {
        "phone": "+8613800138000",
        "language": "zh-hans",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }

    response = client.post(address(User, "add"), fields)

    made = User.objects.get(phone="+8613800138000")
    assert response.status_code == 302
    assert made.email is None
    assert made.check_password(PASSWORD)


def test_a_person_with_neither_address_nor_number_is_refused_beside_the_form(client, operator):
    fields = {"language": "en", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}

    response = client.post(address(User, "add"), fields)

    assert "Give an e-mail address or a phone number." in response.content.decode()


def test_a_car_is_added_by_its_plate_which_is_shown_nowhere(client, operator):
    driver = make_user()

    response = client.post(
        address(Vehicle, "add"), {"driver": driver.pk, "plate": "粤b·12345", "label": "", "size": 2}, follow=True
    )

    vehicle = driver.vehicles.get()
    page = response.content.decode() + client.get(address(Vehicle, "change", vehicle.pk)).content.decode()
    assert vehicle.plate == "粤B12345"
    assert "粤B••345" in page
    assert "12345" not in page


@pytest.mark.parametrize("plate", ["?!", "粤B12345"], ids=["no plate", "registered already"])
def test_a_plate_that_is_refused_is_refused_beside_the_field(client, operator, plate):
    driver = make_user()
    make_vehicle(driver, "粤B12345")

    response = client.post(address(Vehicle, "add"), {"driver": driver.pk, "plate": plate, "label": "", "size": 2})

    assert response.context["adminform"].form.errors.keys() == {"plate"}


def test_a_plate_is_found_by_post_and_stands_in_no_address_and_no_log(client, operator, caplog):
    caplog.set_level(logging.DEBUG)
    reservation, other = a_booking(number=1), a_booking(number=2)
    plate = reservation.vehicle_rows.get().vehicle.plate
    url = reverse("admin:reservations_reservation_by_plate")

    found = client.post(url, {"plate": f"{plate[:2]} {plate[2:].lower()}"})

    assert list(found.context["reservations"]) == [reservation]
    assert other.pk != reservation.pk
    assert plate[2:] not in found.content.decode()
    assert plate[2:] not in "".join(
        str(record.__dict__) for record in caplog.records if record.name != "django.db.backends"
    )
    assert "reservations" not in client.get(url, {"plate": plate}).context


@pytest.mark.parametrize("how", ["CANCELLED", "RELEASED"])
def test_an_operator_ends_a_reservation_with_a_reason(client, operator, how):
    reservation = a_booking()

    response = client.post(reverse("admin:reservations_reservation_end", args=[reservation.pk]), {"how": how})

    reservation.refresh_from_db()
    event = reservation.events.last()
    assert response.status_code == 302
    assert (reservation.status, reservation.space) == (how, None)
    assert (event.to_status, event.actor) == (how, operator)


@pytest.mark.django_db(transaction=True)
def test_a_reservation_that_is_over_is_left_alone_and_says_why(client, operator):
    reservation = a_booking()
    url = reverse("admin:reservations_reservation_end", args=[reservation.pk])
    client.post(url, {"how": "CANCELLED"})

    response = client.post(url, {"how": "RELEASED"}, follow=True)

    reservation.refresh_from_db()
    assert reservation.status == Status.CANCELLED
    assert "any more" in response.content.decode()


def test_a_policy_is_changed_by_adding_a_version(client, operator):
    first = a_policy(1)
    fields = {"lot": first.lot_id, "name": "two_stage", "threshold": 1.5, "fragment_weight": 0.7, "modal_stay_h": 3}

    assert client.post(address(LotPolicy, "add"), fields).status_code == 302
    assert client.post(address(LotPolicy, "change", first.pk), fields).status_code == 403

    first.refresh_from_db()
    second = LotPolicy.objects.get(lot=first.lot, superseded_at=None)
    assert first.superseded_at is not None
    assert (first.name, second.name, second.version, second.changed_by) == ("fcfs", "two_stage", 2, operator)
    assert "in force already" in client.post(address(LotPolicy, "add"), fields).content.decode()


def test_hours_published_in_the_admin_make_windows_and_can_be_withdrawn(client, operator):
    space = make_space(make_lot())
    fields = {
        "space": space.pk,
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "starts_at_local": "08:00",
        "ends_at_local": "18:00",
        "first_date": "2026-01-01",
        "last_date": "",
    }

    assert client.post(address(spaces.ShareRule, "add"), fields).status_code == 302
    assert space.windows.filter(superseded_at=None).count() > 50

    rule = space.rules.get()
    client.post(
        address(spaces.ShareRule, "changelist"), {"action": "withdraw", "_selected_action": [rule.pk]}, follow=True
    )
    assert not space.windows.filter(superseded_at=None).exists()


def test_a_period_is_taken_out_and_given_back(client, operator):
    space = make_space(make_lot())
    fields = {
        "space": space.pk,
        "starts_at_0": "2099-01-01",
        "starts_at_1": "08:00",
        "ends_at_0": "2099-01-02",
        "ends_at_1": "08:00",
    }

    assert client.post(address(spaces.ShareException, "add"), fields).status_code == 302
    exception = space.exceptions.get()
    client.post(address(spaces.ShareException, "changelist"), {"action": "restore", "_selected_action": [exception.pk]})

    assert not space.exceptions.exists()


def test_a_margin_changed_in_the_admin_reaches_the_windows(client, operator):
    rule = a_share_rule(1)
    space = rule.space
    fields = {
        "label": space.label,
        "standing": "APPROVED",
        "size": 2,
        "admits": "EVERYONE",
        "return_margin_min": 60,
    }

    assert client.post(address(spaces.Space, "change", space.pk), fields).status_code == 302

    latest = space.windows.filter(superseded_at=None).order_by("ends_at").last()
    assert latest.ends_at.astimezone(space.lot.zone).time() == time(17)


def test_bays_are_approved_in_bulk_and_refusals_are_messages(client, operator):
    pending = make_space(make_lot(), standing="PENDING")
    used = make_space(make_lot(), label="used")
    url = address(spaces.Space, "changelist")

    page = client.post(url, {"action": "refuse", "_selected_action": [pending.pk, used.pk]}, follow=True)

    pending.refresh_from_db()
    used.refresh_from_db()
    assert (pending.standing, used.standing) == ("REFUSED", "APPROVED")
    assert "not possible for: used" in page.content.decode()


def test_a_token_is_revoked(client, operator):
    token = a_token(1)

    client.post(address(ApiToken, "changelist"), {"action": "revoke_tokens", "_selected_action": [token.pk]})

    token.refresh_from_db()
    assert token.revoked_at is not None
