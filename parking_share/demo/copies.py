"""A fresh copy of a lot for each policy, so that all of them meet the same day."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from allocation.models import LotPolicy
from parking_share.accounts.models import User
from parking_share.accounts.services import issue_api_token
from parking_share.spaces.models import BookingLimits, Lot, ShareWindow, Space, Tariff

MOST_OPEN_REQUESTS = 32_767
SHORTEST_STAY_MIN = 1


@dataclass(frozen=True, kw_only=True)
class StatedSupply:
    """So many bays, all shared from `starts_at` to `ends_at`, and nothing else."""

    bays: int
    starts_at: datetime
    ends_at: datetime


@transaction.atomic
def copy_lot(lot: Lot, supply: StatedSupply, *, policy: str, modal_stay_h: float, now: datetime) -> Lot:
    """Copy a lot's place and tariff; give it the stated supply, the policy, and limits that let every stay ask."""
    copy = Lot.objects.get(pk=lot.pk)
    copy.pk, copy._state.adding = None, True
    copy.name, copy.source_key = f"{lot.name} · {policy} {supply.starts_at:%m-%d}"[:120], ""
    copy.capacity, copy.is_open = supply.bays, True
    copy.save(force_insert=True)
    for tariff in Tariff.objects.filter(lot=lot):
        Tariff.objects.create(lot=copy, day_type=tariff.day_type, importance_percent=tariff.importance_percent)
    BookingLimits.objects.create(
        lot=copy, shortest_stay_min=SHORTEST_STAY_MIN, open_requests_per_driver=MOST_OPEN_REQUESTS
    )
    LotPolicy.objects.create(lot=copy, name=policy, modal_stay_h=modal_stay_h, valid_from=now)
    spaces = Space.objects.bulk_create(Space(lot=copy, label=f"{number:03d}") for number in range(1, supply.bays + 1))
    ShareWindow.objects.bulk_create(
        ShareWindow(space=space, starts_at=supply.starts_at, ends_at=supply.ends_at, created_at=now) for space in spaces
    )
    return copy


def close_lot(lot: Lot) -> None:
    """Take no further requests; what was promised stays."""
    Lot.objects.filter(pk=lot.pk).update(is_open=False)


@transaction.atomic
def replay_token(*, now: datetime) -> str:
    """A token of the driver who books replays: without an e-mail address, so that nobody is written to."""
    driver = User.objects.filter(phone=REPLAY_PHONE).first()
    if driver is None:
        driver = User.objects.create_user(phone=REPLAY_PHONE, display_name="replay", date_joined=now)
    return issue_api_token(user=driver, name="replay_stays", now=now)


REPLAY_PHONE = "+999000000000"  # a country code that no country has
