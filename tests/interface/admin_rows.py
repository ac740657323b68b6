"""One row of every model that the admin shows, made as the site would make it."""

from collections.abc import Callable
from datetime import date, time

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group

from allocation import policies
from allocation import services as allocation
from allocation.models import Assignment, Decision, DecisionSnapshot, LotPolicy, Obstacle, Overruling, Pin
from allocation.obstacles import report_obstacle
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
from tests.interface import coverage_admin_rows, lab_rows, learnt_rows, sensor_rows, survey_admin_rows

READ_ONLY: tuple[type, ...] = (
    Assignment,
    ApiToken,
    Decision,
    DecisionSnapshot,
    EventCursor,
    IdempotencyKey,
    Notice,
    Obstacle,
    Overruling,
    Pin,
    Reservation,
    ReservationEvent,
    ReservationVehicle,
    spaces.ShareWindow,
    *lab_rows.MAKERS,
    *learnt_rows.READ_ONLY,
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
    return Notice.objects.create(recipient=reservation.driver, event=reservation.events.earliest("pk"), created_at=NOW)


def a_share_rule(_number: int) -> spaces.ShareRule:
    space = make_space(make_lot())
    share_weekly(space, starts_at=time(8), ends_at=time(18))
    return space.rules.get()


def an_exception(_number: int) -> spaces.ShareException:
    return space_services.withdraw_hours(space=make_space(make_lot()), starts_at=NOW, ends_at=NOW + hours(1), now=NOW)


def a_policy(_number: int) -> LotPolicy:
    settings = policies.Settings(name="fcfs", threshold=1.5, fragment_weight=0.7, modal_stay_h=3.0)
    return policies.change_policy(lot=make_lot(), settings=settings, changed_by=make_user(), now=NOW)


def an_overruling(number: int) -> Overruling:
    booking = a_booking(number=number)
    return Overruling.objects.create(reservation=booking, why="a doctor on duty", made_by=make_user(), made_at=NOW)


def a_pin(number: int) -> Pin:
    booking = a_booking(number=number)
    assert booking.space is not None
    return Pin.objects.create(
        reservation=booking, space=booking.space, why="beside the lift", pinned_by=make_user(), pinned_at=NOW
    )


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
    DecisionSnapshot: lambda number: a_booking(number=number).decision.snapshot,
    EmailAddress: an_address,
    EventCursor: lambda number: EventCursor.objects.create(reader=f"reader {number}"),
    Group: lambda number: Group.objects.create(name=f"group {number}"),
    IdempotencyKey: lambda number: IdempotencyKey.objects.get(reservation=a_booking(number=number)),
    LotPolicy: a_policy,
    Notice: a_notice,
    Obstacle: lambda _number: report_obstacle(space_id=make_space(make_lot()).pk, now=NOW, until=NOW + hours(2)),
    Overruling: an_overruling,
    Pin: a_pin,
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
    **sensor_rows.makers(a_booking),
    **lab_rows.MAKERS,
    **learnt_rows.makers(),
    **survey_admin_rows.MAKERS,
    **coverage_admin_rows.MAKERS,
}
READ_ONLY += tuple(model for model in sensor_rows.makers(a_booking) if model not in sensor_rows.WRITTEN_BY_HAND)
READ_ONLY += survey_admin_rows.READ_ONLY
READ_ONLY += coverage_admin_rows.READ_ONLY
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
