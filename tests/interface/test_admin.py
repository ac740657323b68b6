"""What can be done in the admin, and by whom."""

import logging
from datetime import time

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from allocation.models import LotPolicy
from parking_share.accounts.models import ApiToken, User, Vehicle
from parking_share.reservations.states import Status
from parking_share.spaces import models as spaces
from tests.factories import (
    PASSWORD,
    make_lot,
    make_space,
    make_user,
    make_vehicle,
)
from tests.interface.admin_rows import a_booking, a_policy, a_share_rule, a_token

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english(client) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"


@pytest.fixture
def operator(client) -> User:
    user = User.objects.create_superuser("operator@example.org", PASSWORD, language="en")
    client.force_login(user)
    return user


def address(model, page: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


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
    numbers = {"threshold": 1.5, "fragment_weight": 0.7, "modal_stay_h": 3, "fairness_tolerance": 0}
    fields = {"lot": first.lot_id, "name": "two_stage", "why": "a trial"} | numbers

    assert client.post(address(LotPolicy, "add"), fields).status_code == 302
    assert client.post(address(LotPolicy, "change", first.pk), fields).status_code == 403

    first.refresh_from_db()
    second = LotPolicy.objects.get(lot=first.lot, superseded_at=None)
    assert first.superseded_at is not None
    assert (first.name, second.name, second.version, second.changed_by) == ("fcfs", "two_stage", 2, operator)
    assert second.why == "a trial"
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
