"""One log-in for each role, given to those of the city's people who have most to see."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db.models import Count, F, Q
from django.utils.translation import gettext as _

from parking_share.accounts.models import User
from parking_share.demo import names
from parking_share.reservations.states import HOLDS_A_SPACE, Status
from parking_share.spaces.models import District, LandUse, Lot, Role, RoleGrant, Space

PASSWORD = "quiet-street-47"  # noqa: S105 -- for invented people only
MAILBOXES = {
    "driver": "driver@example.org",
    "owner": "owner@example.org",
    "manager": "manager@example.org",
    "city staff": "staff@example.org",
    "operator": "operator@example.org",
}


@dataclass(frozen=True, kw_only=True)
class Login:
    role: str
    email: str
    password: str
    look_at: str


def are_there() -> bool:
    """Whether the city was built: the operator is the last to come."""
    return User.objects.filter(email=MAILBOXES["operator"]).exists()


def hand_out(*, now: datetime) -> None:
    """Give the known addresses and the password to a driver, an owner, a manager, city staff and an operator."""
    password = make_password(PASSWORD)
    lot = _busiest_managed_lot(now)
    district = District.objects.get(city=names.CITY, name=names.DISTRICT)
    _become("driver", _busiest_driver(now), password)
    _become("owner", _busiest_owner(now), password)
    _become("manager", User.objects.filter(role_grants__lot=lot, role_grants__role=Role.MANAGER)[:1].get(), password)
    staff = User(display_name="城市停车管理处", date_joined=now)
    _become("city staff", staff, password)
    RoleGrant.objects.create(user=staff, role=Role.CITY_STAFF, district=district, granted_at=now)
    operator = User(display_name="平台运营", date_joined=now, is_staff=True, is_superuser=True)
    _become("operator", operator, password)
    RoleGrant.objects.create(user=operator, role=Role.OPERATOR, granted_at=now)


def all_logins(*, now: datetime) -> Iterator[Login]:
    """What each of the five sees at this moment."""
    for role, email in MAILBOXES.items():
        user = User.objects.get(email=email)
        yield Login(role=role, email=email, password=PASSWORD, look_at=_LOOK_AT[role](user, now))


def _become(role: str, user: User, password: str) -> None:
    user.email, user.password = MAILBOXES[role], password
    user.save()
    EmailAddress.objects.update_or_create(user=user, defaults={"email": user.email, "verified": True, "primary": True})


def _busiest_driver(now: datetime) -> User:
    """Someone with reservations behind and ahead, bookings accepted and declined."""
    ahead = Count("reservations", filter=Q(reservations__status__in=HOLDS_A_SPACE, reservations__ends_at__gt=now))
    behind = Count("reservations", filter=Q(reservations__status=Status.COMPLETED))
    busy = User.objects.filter(vehicles__isnull=False).annotate(ahead=ahead, behind=behind)
    return busy.filter(ahead__gte=1, behind__gte=1).order_by(-(F("ahead") * F("behind")), "pk")[:1].get()


def _busiest_owner(now: datetime) -> User:
    """A resident whose bay is booked most often from now on."""
    ahead = Q(spaces__reservations__status__in=HOLDS_A_SPACE, spaces__reservations__ends_at__gt=now)
    owners = User.objects.filter(spaces__lot__land_use=LandUse.RESIDENTIAL)
    return owners.annotate(ahead=Count("spaces__reservations", filter=ahead)).order_by("-ahead", "pk")[:1].get()


def _busiest_managed_lot(now: datetime) -> Lot:
    """A compound with a manager, bays that wait for approval, and the most bookings."""
    ahead = Count(
        "reservations",
        filter=Q(reservations__status__in=HOLDS_A_SPACE, reservations__ends_at__gt=now),
        distinct=True,
    )
    managed = Lot.objects.filter(role_grants__role=Role.MANAGER, spaces__standing=Space.Standing.PENDING)
    return managed.annotate(ahead=ahead).order_by("-ahead", "pk")[:1].get()


def _what_the_driver_sees(user: User, now: datetime) -> str:
    ahead = user.reservations.filter(status__in=HOLDS_A_SPACE, ends_at__gt=now).count()
    past = user.reservations.exclude(ends_at__gt=now).count()
    return _("/reservations: %(ahead)s ahead, %(past)s behind") % {"ahead": ahead, "past": past}


def _what_the_owner_sees(user: User, now: datetime) -> str:
    space = user.spaces.select_related("lot").order_by("pk")[:1].get()
    booked = space.reservations.filter(status__in=HOLDS_A_SPACE, ends_at__gt=now).count()
    values = {"bay": space.label, "lot": space.lot.name, "booked": booked}
    return _("/owner/spaces: bay %(bay)s in %(lot)s, booked %(booked)s times from now on") % values


def _what_the_manager_sees(user: User, _now: datetime) -> str:
    lots = Lot.objects.filter(role_grants__user=user, role_grants__role=Role.MANAGER)
    pending = Space.objects.filter(lot__in=lots, standing=Space.Standing.PENDING).count()
    lot_names = "、".join(lots.order_by("pk").values_list("name", flat=True))
    seen = _("%(lots)s: %(pending)s bays wait for approval") % {"lots": lot_names, "pending": pending}
    return f"/manager  {seen}"


def _what_the_staff_sees(user: User, _now: datetime) -> str:
    district = District.objects.get(role_grants__user=user)
    seen = _("%(district)s: %(lots)s lots") % {"district": district, "lots": district.lots.count()}
    return f"/city  {seen}"


def _what_the_operator_sees(_user: User, _now: datetime) -> str:
    return _("/admin: everything")


_LOOK_AT = {
    "driver": _what_the_driver_sees,
    "owner": _what_the_owner_sees,
    "manager": _what_the_manager_sees,
    "city staff": _what_the_staff_sees,
    "operator": _what_the_operator_sees,
}
