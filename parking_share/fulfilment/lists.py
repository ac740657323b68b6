"""The manager's list: cars that come and go without a reservation."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from parking_share.accounts import plates
from parking_share.accounts.free_text import without_plates
from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.fulfilment.gates import ListedPlate
from parking_share.spaces.models import Lot

LONGEST_LABEL = 60


class ListRefused(DomainError):
    code = "list_refused"


def listed_in(lot: Lot, *, now: datetime) -> QuerySet[ListedPlate]:
    """Cars that are let in now or later, the newest first."""
    in_force = Q(valid_until__isnull=True) | Q(valid_until__gt=now)
    return ListedPlate.objects.filter(in_force, lot=lot, removed_at__isnull=True).order_by("-pk")


def add_plate(
    *,
    lot: Lot,
    actor: User,
    plate: str,
    label: str = "",
    valid_from: datetime,
    valid_until: datetime | None = None,
    now: datetime,
) -> ListedPlate:
    """Let a car in from one instant until another, or for good. A row that has run out makes room for the new one."""
    spelled = plates.parse_plate(plate)
    if valid_until is not None and valid_until <= max(valid_from, now):
        raise ListRefused(_("Choose an end in the future, after the beginning."))
    exact = plates.exact_hash(spelled)
    try:
        with transaction.atomic():
            over = ListedPlate.objects.filter(lot=lot, plate_exact_hash=exact, removed_at__isnull=True)
            over.filter(valid_until__lte=now).update(removed_at=now)
            return ListedPlate.objects.create(
                lot=lot,
                plate_encrypted=plates.encrypt_plate(spelled),
                plate_exact_hash=exact,
                plate_folded_hash=plates.folded_hash(spelled),
                label=without_plates(label.strip())[:LONGEST_LABEL],
                valid_from=valid_from,
                valid_until=valid_until,
                added_by=actor,
            )
    except IntegrityError as error:
        raise ListRefused(_("This car is on the list already. Remove it first to change its times.")) from error


def remove_plate(*, lot: Lot, listed_id: int, now: datetime) -> None:
    """Let the car in no more; safe to run twice, the first instant counts."""
    ListedPlate.objects.filter(lot=lot, pk=listed_id, removed_at__isnull=True).update(removed_at=now)
