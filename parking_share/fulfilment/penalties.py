"""What an overstay costs: nothing within the grace, then the penalty rate for every second, in integer minor units.

The rate is the lot's peak rate times `penalty_percent`, whatever the hour: who stands in a bay that is not free any
more pays for the dearest hour. It is fixed when the overstay begins. Each sum is rounded once, half up, from the whole
time.
"""

from datetime import datetime, timedelta
from typing import cast

from parking_share.fulfilment.models import LotRules, Overstay
from parking_share.reservations.models import Reservation

_SECONDS_AN_HOUR = 3600


def penalty_rate(peak_rate_cents: int, *, percent: int) -> int:
    """Minor units an hour."""
    return _half_up(peak_rate_cents * percent, 100)


def penalty_cents(*, cents_an_hour: int, charged_from: datetime, until: datetime) -> int:
    """What is owed for [charged_from, until); nothing where that is empty."""
    seconds = max((until - charged_from) // timedelta(seconds=1), 0)
    return _half_up(seconds * cents_an_hour, _SECONDS_AN_HOUR)


def begin_overstay(reservation: Reservation, rules: LotRules) -> Overstay:
    """Write down that a car is still there after the grace; one row however often this is called."""
    lot = reservation.lot
    row, _is_new = Overstay.objects.get_or_create(
        reservation=reservation,
        defaults={
            "space_id": cast(int, reservation.space_id),
            "began_at": reservation.ends_at,
            "charged_from": reservation.ends_at + timedelta(minutes=rules.late_exit_grace_min),
            "cents_an_hour": penalty_rate(lot.peak_rate_cents, percent=rules.penalty_percent),
            "currency": reservation.currency,
        },
    )
    return row


def accrue(overstay: Overstay, *, until: datetime) -> None:
    """Bring the sum up to date."""
    owed = _owed(overstay, until=until)
    if owed != overstay.penalty_cents:
        Overstay.objects.filter(pk=overstay.pk, ended_at__isnull=True).update(penalty_cents=owed)


def end_overstay(*, reservation_id: int, at: datetime) -> bool:
    """The car has left: what is owed is owed until then. Safe to call twice; say whether it ended one."""
    overstay = Overstay.objects.filter(reservation=reservation_id, ended_at__isnull=True).first()
    if overstay is None:
        return False
    left_at = max(at, overstay.began_at)
    going_on = Overstay.objects.filter(pk=overstay.pk, ended_at__isnull=True)
    return going_on.update(ended_at=left_at, penalty_cents=_owed(overstay, until=left_at)) == 1


def _owed(overstay: Overstay, *, until: datetime) -> int:
    return penalty_cents(cents_an_hour=overstay.cents_an_hour, charged_from=overstay.charged_from, until=until)


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
