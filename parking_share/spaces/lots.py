"""How a bay comes into a lot, and what the lot's manager decides about bays, limits and residents."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from parking_share.accounts.models import SizeClass, User
from parking_share.errors import DomainError
from parking_share.spaces import services
from parking_share.spaces.models import BookingLimits, Lot, Resident, Space

Standing = Space.Standing

# What a manager may make of a bay, by what it is now
MAY_BECOME: dict[Standing, frozenset[Standing]] = {
    Standing.PENDING: frozenset({Standing.APPROVED, Standing.REFUSED}),
    Standing.APPROVED: frozenset({Standing.PAUSED}),
    Standing.PAUSED: frozenset({Standing.APPROVED}),
    Standing.REFUSED: frozenset({Standing.APPROVED}),
}


class SpaceRefused(DomainError):
    code = "space_refused"


class LimitsRefused(DomainError):
    code = "limits_refused"


class ResidentRefused(DomainError):
    code = "resident_refused"


@dataclass(frozen=True, kw_only=True)
class Bay:
    """What an owner says of a bay."""

    label: str
    size: int = SizeClass.STANDARD
    height_limit_cm: int | None = None
    has_charger: bool = False
    is_accessible: bool = False
    return_margin_min: int = 15


@transaction.atomic
def register_space(*, owner: User, lot: Lot, bay: Bay, now: datetime) -> Space:
    """Enter an owner's bay; it waits for the manager's approval. A bay that was refused may be asked for again."""
    label = bay.label.strip()
    if not label:
        raise SpaceRefused(_("Write the number that is painted on the bay."))
    Lot.objects.select_for_update(no_key=True).get(pk=lot.pk)
    described = {
        "size": bay.size,
        "height_limit_cm": bay.height_limit_cm,
        "has_charger": bay.has_charger,
        "is_accessible": bay.is_accessible,
        "return_margin_min": bay.return_margin_min,
    }
    refused = Space.objects.filter(lot=lot, label=label, owner=owner, standing=Standing.REFUSED)
    if refused.update(standing=Standing.PENDING, **described):
        space = Space.objects.select_related("lot").get(lot=lot, label=label)
        services.materialise_windows(space=space, now=now)  # the return margin may be another
        return space
    try:
        with transaction.atomic():
            return Space.objects.create(owner=owner, lot=lot, label=label, standing=Standing.PENDING, **described)
    except IntegrityError as error:
        raise SpaceRefused(
            _("Bay %(label)s of %(lot)s is registered already. Check its number, or ask the property manager.")
            % {"label": label, "lot": lot.name}
        ) from error


@transaction.atomic
def change_standing(*, lot: Lot, space_ids: Collection[int], to: Standing) -> int:
    """Approve, pause or refuse bays of a lot, all of them or none; return how many changed.

    The lot is locked, so that nothing is decided meanwhile. Drivers who hold a bay that is paused keep it.
    """
    Lot.objects.select_for_update(no_key=True).get(pk=lot.pk)
    chosen = _chosen(lot, space_ids)
    changing = [space for space in chosen if space.standing != to]
    stuck = [space.label for space in changing if to not in MAY_BECOME[Standing(space.standing)]]
    if stuck:
        raise SpaceRefused(
            _("“%(to)s” is not possible for: %(labels)s. Leave them out, and try again.")
            % {"to": to.label, "labels": ", ".join(stuck)}
        )
    return Space.objects.filter(pk__in=[space.pk for space in changing]).update(standing=to)


@transaction.atomic
def publish_for_lot(
    *,
    lot: Lot,
    space_ids: Collection[int],
    weekdays: Iterable[int],
    starts_at_local: time,
    ends_at_local: time,
    first_date: date,
    last_date: date | None = None,
    now: datetime,
) -> int:
    """Publish the same weekly hours for several of the compound's own bays; return how many."""
    Lot.objects.select_for_update(no_key=True).get(pk=lot.pk)
    chosen = _chosen(lot, space_ids)
    owned = [space.label for space in chosen if space.owner_id is not None]
    if owned:
        raise SpaceRefused(
            _("Only their owners publish hours for: %(labels)s. Leave them out, and try again.")
            % {"labels": ", ".join(owned)}
        )
    days = list(weekdays)
    for space in chosen:
        services.publish_hours(
            space=space,
            weekdays=days,
            starts_at_local=starts_at_local,
            ends_at_local=ends_at_local,
            first_date=first_date,
            last_date=last_date,
            now=now,
        )
    return len(chosen)


@transaction.atomic
def set_limits(*, lot: Lot, **values: int) -> BookingLimits:
    """Give a lot its own booking limits, in place of those that hold everywhere else."""
    Lot.objects.select_for_update(no_key=True).get(pk=lot.pk)
    row = BookingLimits.objects.filter(lot=lot).first() or BookingLimits(lot=lot)
    for name, value in values.items():
        setattr(row, name, value)
    try:
        row.full_clean()
    except ValidationError as error:
        raise LimitsRefused(" ".join(error.messages)) from error
    return BookingLimits.objects.update_or_create(lot=lot, defaults=values)[0]


def drop_limits(*, lot: Lot) -> None:
    """Let the limits that hold everywhere hold for this lot again."""
    BookingLimits.objects.filter(lot=lot).delete()


def add_resident(*, lot: Lot, contact: str) -> Resident:
    """Enter a person, named by e-mail address or phone number, as a resident of a lot."""
    spelled = contact.strip()
    user = User.objects.filter(Q(email=spelled.lower()) | Q(phone=spelled.replace(" ", "")), is_active=True).first()
    if user is None:
        raise ResidentRefused(_("Nobody with this address or number has an account. Ask the person to sign up first."))
    resident, is_new = Resident.objects.get_or_create(lot=lot, user=user)
    if not is_new:
        raise ResidentRefused(_("This person is on the list already."))
    return resident


def remove_resident(*, lot: Lot, resident_id: int) -> None:
    """Take a person off the list; reservations that were accepted stay."""
    Resident.objects.filter(lot=lot, pk=resident_id).delete()


def _chosen(lot: Lot, space_ids: Collection[int]) -> list[Space]:
    chosen = list(Space.objects.filter(lot=lot, pk__in=space_ids).select_related("lot").order_by("pk"))
    if not chosen:
        raise SpaceRefused(_("Choose at least one bay."))
    return chosen
