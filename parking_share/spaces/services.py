"""What owners and managers do with the supply."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from parking_share.errors import DomainError
from parking_share.spaces.calendar import region_of, weekdays_by_date
from parking_share.spaces.models import ShareException, ShareRule, ShareWindow, Space
from parking_share.spaces.recurrence import Interval, WeeklyOffer, merge, occurrences, subtract, trim_ends

SHOWN_DAYS = 60


class ShareRefused(DomainError):
    code = "share_refused"


@transaction.atomic
def publish_hours(
    *,
    space: Space,
    weekdays: Iterable[int],
    starts_at_local: time,
    ends_at_local: time,
    first_date: date,
    last_date: date | None = None,
    now: datetime,
) -> ShareRule:
    """Offer a space every week at these hours, and make its windows at once."""
    chosen = sorted(set(weekdays))
    if not chosen:
        raise ShareRefused(_("Choose at least one weekday."))
    if last_date is not None and last_date < first_date:
        raise ShareRefused(_("The last day can't be before the first."))
    _lock(space)
    rule = ShareRule.objects.create(
        space=space,
        weekdays=chosen,
        starts_at_local=starts_at_local,
        ends_at_local=ends_at_local,
        first_date=first_date,
        last_date=last_date,
        created_at=now,
    )
    materialise_windows(space=space, now=now)
    return rule


@transaction.atomic
def withdraw_rule(*, rule: ShareRule, now: datetime) -> None:
    """End a weekly offer. Drivers who hold the space keep it for the time they were promised."""
    _lock(rule.space)
    ShareRule.objects.filter(pk=rule.pk, withdrawn_at__isnull=True).update(withdrawn_at=now)
    materialise_windows(space=rule.space, now=now)


@transaction.atomic
def withdraw_hours(*, space: Space, starts_at: datetime, ends_at: datetime, now: datetime) -> ShareException:
    """Take a period out of the weekly offer."""
    if ends_at <= max(starts_at, now):
        raise ShareRefused(_("Choose a period that ends in the future, after it begins."))
    _lock(space)
    exception = ShareException.objects.create(space=space, starts_at=starts_at, ends_at=ends_at, created_at=now)
    materialise_windows(space=space, now=now)
    return exception


@transaction.atomic
def set_return_margin(*, space: Space, minutes: int, now: datetime) -> None:
    """Change how early before the end of the shared hours the bay must be back."""
    _lock(space)
    space.return_margin_min = minutes
    space.full_clean(validate_unique=False, validate_constraints=False)
    space.save(update_fields=["return_margin_min"])
    materialise_windows(space=space, now=now)


@transaction.atomic
def materialise_windows(*, space: Space, now: datetime) -> int:
    """Bring the space's windows in line with its rules, 60 days ahead; return how many rows changed.

    Safe to run twice: what is as it should be is left alone.
    """
    _lock(space)
    wanted = set(planned_windows(space, now=now))
    current = {(row.starts_at, row.ends_at): row for row in space.windows.current().filter(ends_at__gt=now)}
    outdated = [row.pk for key, row in current.items() if key not in wanted]
    ShareWindow.objects.filter(pk__in=outdated).update(superseded_at=now)
    fresh = ShareWindow.objects.bulk_create(
        ShareWindow(space=space, starts_at=starts, ends_at=ends, created_at=now)
        for starts, ends in sorted(wanted - current.keys())
    )
    return len(outdated) + len(fresh)


def materialise_all(*, now: datetime) -> int:
    """Extend the windows of every space that has rules, each in its own short transaction; return how many changed."""
    ruled = Space.objects.filter(rules__withdrawn_at__isnull=True).distinct().select_related("lot").order_by("pk")
    return sum(bool(materialise_windows(space=space, now=now)) for space in ruled)


def planned_windows(space: Space, *, now: datetime) -> list[Interval]:
    """The windows that a space's rules give from yesterday's local date on, merged and trimmed, in order."""
    zone = space.lot.zone
    first = now.astimezone(zone).date() - timedelta(days=1)
    last = first + timedelta(days=SHOWN_DAYS + 1)
    acts_as = weekdays_by_date(region=region_of(space.lot.time_zone), first=first, last=last)
    offered = [
        period
        for rule in space.rules.filter(withdrawn_at__isnull=True)
        for period in occurrences(_offer(rule), first=first, last=last, zone=zone, acts_as=acts_as)
    ]
    holes = space.exceptions.filter(ends_at__gt=now - timedelta(days=2)).values_list("starts_at", "ends_at")
    margin = timedelta(minutes=space.return_margin_min)
    windows = trim_ends(subtract(merge(offered), holes), margin=margin)
    return [window for window in windows if window[1] > now]


def _offer(rule: ShareRule) -> WeeklyOffer:
    return WeeklyOffer(
        weekdays=frozenset(rule.weekdays),
        starts_at=rule.starts_at_local,
        ends_at=rule.ends_at_local,
        first_date=rule.first_date,
        last_date=rule.last_date,
    )


def _lock(space: Space) -> None:
    """Lock the space's lot: nothing is decided about a space while its hours change."""
    type(space.lot).objects.select_for_update(no_key=True).get(pk=space.lot_id)
