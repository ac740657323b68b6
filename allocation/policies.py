"""Changing how a lot decides: every change is a new version, so that each decision names the rules it was made by."""

import math
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from allocation.models import LotPolicy
from parking_share.accounts.models import User
from parking_share.errors import DomainError
from parking_share.spaces.models import Lot


class PolicyRefused(DomainError):
    code = "policy_refused"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a policy row says: the policy and its numbers."""

    name: str
    threshold: float = 1.5
    fragment_weight: float = 0.7
    modal_stay_h: float = 3.0
    peak_rate_cents: int | None = None
    fairness_tolerance: float = 0.0


@transaction.atomic
def change_policy(*, lot: Lot | None, settings: Settings, changed_by: User, now: datetime, why: str = "") -> LotPolicy:
    """Supersede the policy of a lot, or without a lot the one for everywhere else, and put another in force.

    The lot is locked, so that a decision in progress ends under the rules with which it began. A peak rate becomes the
    lot's: what is billed and what the engine reckons with are one number.
    """
    _lock(lot)
    rows = LotPolicy.objects.filter(lot=lot)
    present = rows.filter(superseded_at__isnull=True).first()
    if present is not None and settings == settings_of(present):
        raise PolicyRefused(_("These settings are in force already."))
    following = LotPolicy(
        lot=lot,
        version=(rows.aggregate(latest=Max("version"))["latest"] or 0) + 1,
        valid_from=max(now, present.valid_from) if present is not None else now,
        changed_by=changed_by,
        why=why.strip(),
        **asdict(settings),
    )
    if not all(map(math.isfinite, _numbers(settings))):
        raise PolicyRefused(_("Write plain numbers."))
    try:
        following.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise PolicyRefused(" ".join(error.messages)) from error
    if lot is None and settings.peak_rate_cents is not None:
        raise PolicyRefused(_("A peak rate belongs to one lot."))
    rows.filter(superseded_at__isnull=True).update(superseded_at=following.valid_from)
    following.save(force_insert=True)
    if lot is not None and settings.peak_rate_cents is not None:
        Lot.objects.filter(pk=lot.pk).update(peak_rate_cents=settings.peak_rate_cents)
    return following


@transaction.atomic
def drop_policy(*, lot: Lot, now: datetime) -> bool:
    """Let the lot decide as all others do; False where it has no policy of its own. Its versions are kept."""
    _lock(lot)
    in_force = LotPolicy.objects.filter(lot=lot, superseded_at__isnull=True)
    return bool(in_force.update(superseded_at=Greatest(F("valid_from"), Value(now))))


def settings_of(row: LotPolicy) -> Settings:
    return Settings(
        name=row.name,
        threshold=row.threshold,
        fragment_weight=row.fragment_weight,
        modal_stay_h=row.modal_stay_h,
        peak_rate_cents=row.peak_rate_cents,
        fairness_tolerance=row.fairness_tolerance,
    )


def settings_to_change(row: LotPolicy, lot: Lot) -> Settings:
    """The settings in force as what to begin a change with: a peak rate of theirs is the lot's own by now.

    The lot's may have been changed since elsewhere; a change of something else must not bring the old price back.
    """
    settings = settings_of(row)
    return settings if row.peak_rate_cents is None else replace(settings, peak_rate_cents=lot.peak_rate_cents)


def _numbers(settings: Settings) -> tuple[float, ...]:
    return settings.threshold, settings.fragment_weight, settings.modal_stay_h, settings.fairness_tolerance


def history_of(lot: Lot | None) -> QuerySet[LotPolicy]:
    """All versions of a lot's policy, the newest first."""
    return LotPolicy.objects.filter(lot=lot).select_related("changed_by").order_by("-version")


def _lock(lot: Lot | None) -> None:
    """One lot's lock, or for the row that holds everywhere else the first lot's: two changes never race."""
    lots = Lot.objects.select_for_update(no_key=True)
    if lot is None:
        lots.order_by("pk").first()
    else:
        lots.get(pk=lot.pk)
