"""What owners and managers do with the supply."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from parking_share import bells
from parking_share.errors import DomainError
from parking_share.spaces.calendar import region_of, weekdays_by_date
from parking_share.spaces.models import ShareException, ShareRule, ShareWindow, Space
from parking_share.spaces.recurrence import Interval, WeeklyOffer, merge, occurrences, overlaps, subtract, trim_ends
from parking_share.spaces.tariffs import rate_table

SHOWN_DAYS = 60
PREVIEWED_DAYS = 7
LONGEST_RETURN_MARGIN_MIN = 240


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
    offer = WeeklyOffer(
        weekdays=frozenset(weekdays),
        starts_at=starts_at_local,
        ends_at=ends_at_local,
        first_date=first_date,
        last_date=last_date,
    )
    _check_offer(offer, space, now=now)
    _lock(space)
    rule = ShareRule.objects.create(
        space=space,
        weekdays=sorted(offer.weekdays),
        starts_at_local=starts_at_local,
        ends_at_local=ends_at_local,
        first_date=first_date,
        last_date=last_date,
        created_at=now,
    )
    materialise_windows(space=space, now=now)
    return rule


@dataclass(frozen=True, kw_only=True)
class PricedWindow:
    """A share window and what it earns at most: the price of parking through all of it."""

    starts_at: datetime
    ends_at: datetime
    price_cents: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What an offer would make of one week: the merged windows, and what they earn at most."""

    first_date: date
    windows: list[PricedWindow]
    currency: str
    joins_other_hours: bool

    @property
    def most_cents(self) -> int:
        return sum(window.price_cents for window in self.windows)


def preview_hours(*, space: Space, offer: WeeklyOffer, now: datetime) -> Preview:
    """Answer what publishing this offer would change in the first week that it concerns; writes nothing."""
    _check_offer(offer, space, now=now)
    zone = space.lot.zone
    first = max(offer.first_date, now.astimezone(zone).date())
    begins = max(datetime.combine(first, time(), tzinfo=zone), now)
    ends = datetime.combine(first + timedelta(days=PREVIEWED_DAYS), time(), tzinfo=zone)
    rates = rate_table(space.lot, starts_at=begins, ends_at=ends + timedelta(days=SHOWN_DAYS))
    alone = planned_windows(space, now=begins, offers=[offer])
    before, after = planned_windows(space, now=begins), planned_windows(space, now=begins, more=[offer])
    return Preview(
        first_date=first,
        windows=[
            PricedWindow(starts_at=starts_at, ends_at=ends_at, price_cents=rates.price_cents(starts_at, ends_at))
            for starts_at, ends_at in _cut_to_week(after, begins, ends)
        ],
        currency=rates.currency,
        joins_other_hours=bool(before) and any(window not in [*before, *alone] for window in after),
    )


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
def restore_hours(*, exception: ShareException, now: datetime) -> None:
    """Give a period that was taken out back to the weekly offer."""
    _lock(exception.space)
    ShareException.objects.filter(pk=exception.pk).delete()
    materialise_windows(space=exception.space, now=now)


@transaction.atomic
def set_return_margin(*, space: Space, minutes: int, now: datetime) -> None:
    """Change how early before the end of the shared hours the bay must be back."""
    if not 0 <= minutes <= LONGEST_RETURN_MARGIN_MIN:
        raise ShareRefused(
            _("Choose a return margin between 0 and %(most)s minutes.") % {"most": LONGEST_RETURN_MARGIN_MIN}
        )
    _lock(space)
    space.return_margin_min = minutes
    space.save(update_fields=["return_margin_min"])
    materialise_windows(space=space, now=now)


@transaction.atomic
def materialise_windows(*, space: Space, now: datetime) -> int:
    """Bring the space's windows in line with its rules, 60 days ahead; return how many rows changed.

    Safe to run twice: what is as it should be is left alone. A window that is over stays as it is, unless the hours now
    reach from it into the future.
    """
    _lock(space)
    present = Space.objects.select_related("lot").get(pk=space.pk)
    wanted = set(planned_windows(present, now=now))
    reaches_back_to = min([starts for starts, _ends in wanted], default=now)
    rows = present.windows.current().filter(ends_at__gt=min(now, reaches_back_to))
    current = {(row.starts_at, row.ends_at): row for row in rows}
    outdated = [
        row.pk
        for key, row in current.items()
        if key not in wanted and (row.ends_at > now or any(overlaps(key, window) for window in wanted))
    ]
    ShareWindow.objects.filter(pk__in=outdated).update(superseded_at=now)
    fresh = ShareWindow.objects.bulk_create(
        ShareWindow(space=present, starts_at=starts, ends_at=ends, created_at=now)
        for starts, ends in sorted(wanted - current.keys())
    )
    return len(outdated) + len(fresh)


def ring_for_windows() -> int:
    """Ring for every lot with rules, so that the windows of a city are extended lot by lot; return how many."""
    ruled = ShareRule.objects.filter(withdrawn_at__isnull=True).values_list("space__lot_id", flat=True)
    lot_ids = sorted(set(ruled))
    for lot_id in lot_ids:
        bells.ring("spaces.materialise", lot_id=lot_id)
    return len(lot_ids)


def materialise_lot(*, lot_id: int, now: datetime) -> int:
    """Extend the windows of a lot's spaces, each in its own short transaction; return how many spaces changed."""
    ruled = Space.objects.filter(lot=lot_id, rules__withdrawn_at__isnull=True).distinct().select_related("lot")
    return sum(bool(materialise_windows(space=space, now=now)) for space in ruled.order_by("pk"))


def planned_windows(
    space: Space,
    *,
    now: datetime,
    offers: Iterable[WeeklyOffer] | None = None,
    more: Collection[WeeklyOffer] = (),
) -> list[Interval]:
    """The windows from yesterday's local date on, merged and trimmed, in order.

    They come from the space's rules, or from `offers` in their place, and from `more` offers beside them.
    """
    zone = space.lot.zone
    first = now.astimezone(zone).date() - timedelta(days=1)
    last = first + timedelta(days=SHOWN_DAYS + 1)
    acts_as = weekdays_by_date(region=region_of(space.lot.time_zone), first=first, last=last)
    if offers is None:
        offers = [offer_from(rule) for rule in space.rules.filter(withdrawn_at__isnull=True)]
    offered = [
        period
        for offer in [*offers, *more]
        for period in occurrences(offer, first=first, last=last, zone=zone, acts_as=acts_as)
    ]
    first_midnight = datetime.combine(first, time(), tzinfo=zone)
    holes = space.exceptions.filter(ends_at__gt=first_midnight).values_list("starts_at", "ends_at")
    margin = timedelta(minutes=space.return_margin_min)
    windows = trim_ends(subtract(merge(offered), holes), margin=margin)
    return [window for window in windows if window[1] > now]


def _cut_to_week(windows: Iterable[Interval], begins: datetime, ends: datetime) -> list[Interval]:
    """The windows of a week; one that begins in it and runs into the next morning stays whole."""
    a_day = timedelta(days=1)
    return [
        (max(starts_at, begins), ends_at if ends_at - starts_at <= a_day else min(ends_at, ends))
        for starts_at, ends_at in windows
        if starts_at < ends
    ]


def _check_offer(offer: WeeklyOffer, space: Space, *, now: datetime) -> None:
    if not offer.weekdays:
        raise ShareRefused(_("Choose at least one weekday."))
    if not offer.weekdays <= set(range(1, 8)):
        raise ShareRefused(_("Weekdays are 1 for Monday to 7 for Sunday."))
    if offer.last_date is not None and offer.last_date < offer.first_date:
        raise ShareRefused(_("The last day can't be before the first."))
    if offer.last_date is not None and offer.last_date < now.astimezone(space.lot.zone).date():
        raise ShareRefused(_("The last day lies in the past. Choose today or later, or leave it empty."))


def offer_of(given: Mapping[str, Any]) -> WeeklyOffer:
    """The offer in the cleaned values of a form for a rule."""
    return WeeklyOffer(
        weekdays=frozenset(given["weekdays"]),
        starts_at=given["starts_at_local"],
        ends_at=given["ends_at_local"],
        first_date=given["first_date"],
        last_date=given["last_date"],
    )


def offer_from(rule: ShareRule) -> WeeklyOffer:
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
