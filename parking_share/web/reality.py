"""Where reality and promise parted for a driver: what the reservation's page says of it, and what it costs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

from parking_share.fulfilment.models import BrokenPromise, Overstay
from parking_share.fulfilment.penalties import penalty_cents, penalty_rate
from parking_share.fulfilment.rules import rules_of
from parking_share.notices.models import Notice
from parking_share.reservations.models import Reservation, ReservationEvent
from parking_share.reservations.states import MAY_LAPSE, Reason, Status

ENDS_SOON = timedelta(minutes=15)
MOVED_BECAUSE = [Reason.OVERSTAYED, Reason.BAY_TAKEN]


@dataclass(frozen=True, kw_only=True)
class TimeOver:
    """The end is near or past: from when on staying costs more, how much an hour, and what is owed by now."""

    is_past: bool
    charged_from: datetime
    cents_an_hour: int
    owed_cents: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class Reality:
    """None and empty where all is as promised."""

    time_over: TimeOver | None = None
    come_at: datetime | None = None
    broken: BrokenPromise | None = None
    moved_because: str = ""
    penalty: Overstay | None = None

    @classmethod
    def of(cls, reservation: Reservation, *, now: datetime) -> "Reality":
        """What there is to say in this status; no query where nothing can have happened."""
        match reservation.status:
            case Status.PARKED:
                return cls(time_over=_time_over(reservation, now=now), moved_because=_moved_because(reservation))
            case Status.ASSIGNED:
                return cls(come_at=_come_at(reservation, now=now), moved_because=_moved_because(reservation))
            case Status.ACCEPTED:
                return cls(come_at=_come_at(reservation, now=now))
            case Status.RELEASED:
                return cls(broken=_broken(reservation))
            case Status.COMPLETED:
                return cls(penalty=_penalty(reservation))
            case _:
                return cls()

    def parts(self) -> list[object]:
        """What a fragment's tag has to change with."""
        over, broken = self.time_over, self.broken
        return [
            (over.is_past, over.owed_cents, over.charged_from) if over else None,
            self.come_at,
            (broken.pk, broken.replacement_id, broken.attended_at) if broken else None,
            self.moved_because,
            (self.penalty.penalty_cents, self.penalty.waived_at) if self.penalty else None,
        ]


def _penalty(reservation: Reservation) -> Overstay | None:
    """What is owed for a car that left too late, or was until it was waived."""
    return Overstay.objects.filter(reservation=reservation, penalty_cents__gt=0).first()


def _time_over(reservation: Reservation, *, now: datetime) -> TimeOver | None:
    """From a quarter of an hour before the end on; what is written down already counts before what is ruled now."""
    if now < reservation.ends_at - ENDS_SOON:
        return None
    overstay = Overstay.objects.filter(reservation=reservation, ended_at__isnull=True).first()
    if overstay is not None:
        charged_from, cents_an_hour = overstay.charged_from, overstay.cents_an_hour
    else:
        rules, lot = rules_of(reservation.lot_id), reservation.lot
        charged_from = reservation.ends_at + timedelta(minutes=rules.late_exit_grace_min)
        cents_an_hour = penalty_rate(lot.peak_rate_cents, percent=rules.penalty_percent)
    return TimeOver(
        is_past=now >= reservation.ends_at,
        charged_from=charged_from,
        cents_an_hour=cents_an_hour,
        owed_cents=penalty_cents(cents_an_hour=cents_an_hour, charged_from=charged_from, until=now) if overstay else 0,
        currency=reservation.currency,
    )


def _come_at(reservation: Reservation, *, now: datetime) -> datetime | None:
    """When the driver was told to come back, as long as that lies ahead."""
    if reservation.status not in MAY_LAPSE or now >= reservation.starts_at:
        return None
    told = Notice.objects.filter(reservation=reservation, kind=Notice.Kind.COME_LATER).order_by("-pk").first()
    earliest = parse_datetime(str(told.facts["earliest_at"])) if told else None
    return earliest if earliest is not None and earliest > now else None


def _broken(reservation: Reservation) -> BrokenPromise | None:
    rows = BrokenPromise.objects.filter(reservation=reservation)
    return rows.select_related("replacement__lot", "replacement__space").first()


def _moved_because(reservation: Reservation) -> str:
    """Why the bay is another one than was announced first; empty where it is not."""
    moves = ReservationEvent.objects.filter(
        reservation=reservation, reason__in=MOVED_BECAUSE, to_space=reservation.space_id, from_space__isnull=False
    )
    reason = moves.order_by("-pk").values_list("reason", flat=True).first()
    return str(Reason(reason).label) if reason else ""
