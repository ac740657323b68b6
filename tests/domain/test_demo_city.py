"""A small demo city, built for real: through the services, in one piece, once."""

import io
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db.models import F

from allocation.models import Assignment
from parking_share.accounts.models import User
from parking_share.demo import logins, seeding
from parking_share.demo.seeding import ZONE, Size, seed_city
from parking_share.notices.models import Notice
from parking_share.notices.services import mail_notices, write_notices
from parking_share.reservations.models import Reservation, ReservationEvent
from parking_share.reservations.states import HOLDS_A_SPACE, Status
from parking_share.spaces.models import LandUse, Lot, Role, Space
from parking_share.spaces.services import materialise_windows

NOW = datetime(2026, 11, 20, 11, 7, tzinfo=ZONE)
VILLAGE = Size(
    lots={LandUse.COMMERCIAL: 2, LandUse.OFFICE: 2, LandUse.PUBLIC: 1, LandUse.RESIDENTIAL: 8},
    drivers=40,
    stays=110,
    days_back=2,
)


def counts() -> list[int]:
    return [model.objects.count() for model in (Lot, Space, User, Reservation, Notice)]


def build(now: datetime = NOW) -> bool:
    return seed_city(now=now, tick=lambda _quarters: None, size=VILLAGE)


@pytest.mark.django_db(transaction=True)
def test_city_is_built_once_by_the_services_and_told_without_mail():
    assert build()

    statuses = set(Reservation.objects.values_list("status", flat=True))
    assert {"ACCEPTED", "COMPLETED", "DECLINED", "CANCELLED"} <= statuses
    assert Status.REQUESTED not in statuses
    assert not Reservation.objects.filter(decided_at__isnull=False, decision__isnull=True).exists()
    assert Assignment.objects.exists()
    assert not Reservation.objects.filter(status=Status.PARKED, ends_at__lt=NOW).exists()
    assert not Reservation.objects.filter(status=Status.ACCEPTED, starts_at__lte=NOW).exists()
    assert ReservationEvent.objects.latest("happened_at").happened_at <= NOW
    assert Notice.objects.exists()
    assert not Notice.objects.exclude(created_at=F("event__happened_at")).exists()

    before = counts()
    assert not build(NOW + timedelta(days=3))
    assert (counts(), write_notices(now=NOW), mail_notices(now=NOW), mail.outbox) == (before, 0, 0, [])


@pytest.mark.django_db
def test_interrupted_run_leaves_nothing_behind_and_can_be_repeated():
    passed = []

    def stop_half_way(quarters: int) -> None:
        passed.append(quarters)
        if sum(passed) > seeding.ticks(NOW, VILLAGE) // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed_city(now=NOW, tick=stop_half_way, size=VILLAGE)

    assert not Lot.objects.exists()
    assert not User.objects.exists()
    assert build()


@pytest.mark.django_db
def test_windows_are_those_that_the_platform_would_make():
    build()
    one_of_each_lot = list(Space.objects.filter(rules__isnull=False).order_by("lot", "pk").distinct("lot"))

    assert len(one_of_each_lot) > 5
    assert [materialise_windows(space=space, now=NOW) for space in one_of_each_lot] == [0] * len(one_of_each_lot)


@pytest.mark.django_db
def test_every_login_has_something_true_to_see(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as rung:
        build()
    out = io.StringIO()

    call_command("demo_logins", stdout=out)

    driver, owner, manager, staff, operator = (User.objects.get(email=email) for email in logins.MAILBOXES.values())
    assert driver.reservations.filter(status__in=HOLDS_A_SPACE, ends_at__gt=NOW).exists()
    assert driver.reservations.filter(status=Status.COMPLETED).exists()
    assert Reservation.objects.filter(space__owner=owner, status__in=HOLDS_A_SPACE, ends_at__gt=NOW).exists()
    managed = Lot.objects.filter(role_grants__user=manager, role_grants__role=Role.MANAGER)
    assert Space.objects.filter(lot__in=managed, standing=Space.Standing.PENDING).exists()
    assert staff.role_grants.get().district.lots.exists()
    assert operator.is_superuser
    assert all(user.check_password(logins.PASSWORD) for user in (driver, owner, manager, staff, operator))
    assert rung == []
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["driver", "owner", "manager", "city", "operator"]
    assert all(logins.PASSWORD in line and "@example.org" in line for line in lines)


@pytest.mark.django_db
def test_logins_before_the_city_say_what_to_do():
    with pytest.raises(CommandError, match="seed_demo"):
        call_command("demo_logins")


@pytest.mark.django_db
def test_production_is_refused(settings):
    settings.IS_PRODUCTION = True

    with pytest.raises(CommandError, match="production"):
        call_command("seed_demo")

    assert not User.objects.exists()
