"""What drivers do with their reservations. Deciding is not here: that is `allocation`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parking_share.accounts.models import User, Vehicle
from parking_share.errors import DomainError
from parking_share.reservations import selectors, transitions
from parking_share.reservations.models import IdempotencyKey, Reservation, ReservationEvent, ReservationVehicle
from parking_share.reservations.states import OPEN, Reason, Status
from parking_share.reservations.transitions import Change
from parking_share.spaces.models import BookingLimits, Lot
from parking_share.spaces.selectors import limits_of
from parking_share.spaces.tariffs import rate_table


class RequestRefused(DomainError):
    """The request can't become a reservation; `code` says which rule it breaks."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class KeyReused(DomainError):
    """The caller's idempotency key has made something already."""

    code = "idempotency_key_used"


class ArrivedTooLate(DomainError):
    code = "arrived_too_late"


class CarIsInside(DomainError):
    code = "car_is_inside"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a driver asks for."""

    lot: Lot
    vehicles: Sequence[Vehicle]
    starts_at: datetime
    ends_at: datetime
    needs_charger: bool = False
    needs_accessible: bool = False


@dataclass(frozen=True, kw_only=True)
class OnceOnly:
    """The client's idempotency key and the hash of the call that came with it."""

    key: str
    fingerprint: str


@transaction.atomic(savepoint=False)
def record_request(*, driver: User, wish: Wish, now: datetime, once: OnceOnly | None = None) -> Reservation:
    """Write a request that waits for its decision; the driver's row is locked, so that limits hold."""
    limits = limits_of(wish.lot)
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=driver.pk)
    _check(driver, wish, limits, now=now)
    rates = rate_table(wish.lot, starts_at=wish.starts_at, ends_at=wish.ends_at)
    reservation = Reservation.objects.create(
        driver=driver,
        lot=wish.lot,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        held_from=wish.starts_at,
        held_until=wish.ends_at,
        needs_charger=wish.needs_charger,
        needs_accessible=wish.needs_accessible,
        requested_at=now,
        price_cents=rates.price_cents(wish.starts_at, wish.ends_at),
        currency=rates.currency,
    )
    _name_vehicles(reservation, wish.vehicles)
    _record_asked(reservation, reason=Reason.ASKED, now=now, actor=driver)
    if once is not None:
        _remember(once, caller=driver, reservation=reservation, now=now)
    return reservation


@transaction.atomic(savepoint=False)
def record_replacement(*, lost: Reservation, lot: Lot, now: datetime) -> Reservation:
    """Write a request for what is left of a lost reservation, in another lot and at no extra cost.

    The platform asks, so the limits for drivers do not count. The caller decides it in the same transaction.
    """
    starts_at = max(lost.starts_at, now)
    rates = rate_table(lot, starts_at=starts_at, ends_at=lost.ends_at)
    replacement = Reservation.objects.create(
        driver_id=lost.driver_id,
        lot=lot,
        reason=Reason.REPLACEMENT,
        starts_at=starts_at,
        ends_at=lost.ends_at,
        held_from=starts_at,
        held_until=lost.ends_at,
        needs_charger=lost.needs_charger,
        needs_accessible=lost.needs_accessible,
        requested_at=now,
        price_cents=_no_more_than(lost, rates.price_cents(starts_at, lost.ends_at), currency=rates.currency),
        currency=rates.currency,
    )
    _name_vehicles(replacement, [row.vehicle for row in lost.vehicle_rows.all()])
    _record_asked(replacement, reason=Reason.REPLACEMENT, now=now, actor=None)
    return replacement


def _no_more_than(lost: Reservation, price_cents: int, *, currency: str) -> int:
    """The price there, but not more than was agreed; free where it is another currency and can't be compared."""
    return min(price_cents, lost.price_cents) if currency == lost.currency else 0


def _record_asked(reservation: Reservation, *, reason: Reason, now: datetime, actor: User | None) -> None:
    ReservationEvent.objects.create(
        reservation=reservation,
        to_status=Status.REQUESTED,
        reason=reason,
        held_from=reservation.held_from,
        held_until=reservation.held_until,
        ends_at=reservation.ends_at,
        happened_at=now,
        actor=actor,
    )


def _name_vehicles(reservation: Reservation, vehicles: Sequence[Vehicle]) -> None:
    ReservationVehicle.objects.bulk_create(
        ReservationVehicle(
            reservation=reservation,
            vehicle=vehicle,
            plate_exact_hash=vehicle.plate_exact_hash,
            held_from=reservation.held_from,
            held_until=reservation.held_until,
        )
        for vehicle in vehicles
    )


@transaction.atomic(savepoint=False)
def cancel_reservation(*, reservation_id: int, actor: User, now: datetime) -> Reservation:
    """Take a reservation back; its bay is free at once. Once a gate has let the car in it is too late for that."""
    reservation = Reservation.objects.select_for_update(no_key=True).get(pk=reservation_id)
    if reservation.is_let_in or reservation.status == Status.PARKED:
        raise CarIsInside(_("Your car is in already. Drive out, or say that you have left: the rest is free at once."))
    change = Change(reservation_id=reservation_id, to=Status.CANCELLED, reason=Reason.CANCELLED_BY_DRIVER)
    return transitions.make_transitions([change], at=now, actor=actor, locked=[reservation])[0]


def expect_arrival(*, reservation_id: int, now: datetime) -> bool:
    """A gate has seen the car: its bay is not given away any more. False where that has happened already."""
    expected = Reservation.objects.filter(
        Q(lapses_at__isnull=True) | Q(lapses_at__gt=now), pk=reservation_id, status=Status.ASSIGNED
    )
    return expected.update(lapses_at=None) == 1


@transaction.atomic(savepoint=False)
def record_arrival(*, reservation_id: int, actor: User | None, now: datetime) -> Reservation:
    """The car is in its bay, says the driver, or without an actor a gate or sensor; after the grace it is too late."""
    reservation = Reservation.objects.select_for_update(no_key=True).get(pk=reservation_id)
    if reservation.status == Status.ASSIGNED and reservation.lapses_at is not None and reservation.lapses_at <= now:
        raise ArrivedTooLate(_("Your bay was given back, because you had not arrived in time. Book again."))
    change = Change(reservation_id=reservation_id, to=Status.PARKED, reason=Reason.ARRIVED)
    return transitions.make_transitions([change], at=now, actor=actor, locked=[reservation])[0]


def record_departure(
    *, reservation_id: int, actor: User | None, now: datetime, reason: Reason = Reason.LEFT
) -> Reservation:
    """The car has left, says the driver, or without an actor a gate or sensor; the rest is free at once."""
    return transitions.make_transition(
        Change(reservation_id=reservation_id, to=Status.COMPLETED, reason=reason), at=now, actor=actor
    )


def expire_lapsed(*, lot_ids: Collection[int], plates: Collection[bytes] = (), now: datetime) -> int:
    """Give back the bays of drivers who did not come, in these lots and, wherever it is, by these cars.

    The caller holds the locks of the lots and of the cars. Rows are locked first: a driver may cancel meanwhile.
    """
    by_these_cars = ReservationVehicle.objects.filter(
        reservation=OuterRef("pk"), is_held=True, plate_exact_hash__in=list(plates)
    )
    lapsed = list(
        selectors.lapsed_holds(now=now)
        .filter(Q(lot__in=lot_ids) | Exists(by_these_cars))
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    if lapsed:
        changes = [_lapse(row.pk, Status(row.status)) for row in lapsed]
        transitions.make_transitions(changes, at=now, locked=lapsed)
    return len(lapsed)


def keep_reply(*, key_id: int, status: int, body: str) -> tuple[int, str]:
    """Keep the final reply to an idempotent call, unless one is kept already; return the one that counts."""
    IdempotencyKey.objects.filter(pk=key_id, reply_status__isnull=True).update(reply_status=status, reply_body=body)
    row = IdempotencyKey.objects.get(pk=key_id)
    return row.reply_status or status, row.reply_body


def forget_old_keys(*, now: datetime, keep: timedelta = timedelta(hours=48)) -> int:
    """Delete idempotency keys that no honest retry will use again."""
    return IdempotencyKey.objects.filter(created_at__lt=now - keep).delete()[0]


def _lapse(reservation_id: int, status: Status) -> Change:
    """A driver who was told the bay and did not come is a no-show; one who was never told it is not at fault."""
    if status == Status.ASSIGNED:
        return Change(reservation_id=reservation_id, to=Status.EXPIRED, reason=Reason.NO_SHOW)
    return Change(reservation_id=reservation_id, to=Status.RELEASED, reason=Reason.NEVER_ANNOUNCED)


def _check(driver: User, wish: Wish, limits: BookingLimits, *, now: datetime) -> None:
    stay = wish.ends_at - wish.starts_at
    if not wish.lot.is_open:
        raise RequestRefused("lot_closed", _("This lot takes no reservations at present. Choose another one nearby."))
    if wish.ends_at <= wish.starts_at:
        raise RequestRefused("ends_before_start", _("The end must lie after the start."))
    if wish.starts_at < now - timedelta(minutes=15) or wish.ends_at <= now:
        raise RequestRefused("in_the_past", _("The start lies in the past. Choose a start from now on."))
    if stay < timedelta(minutes=limits.shortest_stay_min):
        sentence = ngettext("Book at least %(n)s minute.", "Book at least %(n)s minutes.", limits.shortest_stay_min)
        raise RequestRefused("too_short", sentence % {"n": limits.shortest_stay_min})
    if stay > timedelta(minutes=limits.longest_stay_min):
        raise RequestRefused("too_long", _longest_stay(limits.longest_stay_min))
    if wish.starts_at > now + timedelta(days=limits.furthest_ahead_days):
        sentence = ngettext(
            "Book at most %(n)s day ahead.", "Book at most %(n)s days ahead.", limits.furthest_ahead_days
        )
        raise RequestRefused("too_far_ahead", sentence % {"n": limits.furthest_ahead_days})
    if not wish.vehicles:
        raise RequestRefused("no_vehicle", _("Name the car that you will come with."))
    if wish.needs_accessible and not driver.has_accessible_permit:
        raise RequestRefused("no_accessible_permit", _("Accessible bays are kept for holders of a permit."))
    if (
        Reservation.objects.filter(driver=driver, status__in=OPEN, ends_at__gt=now).count()
        >= limits.open_requests_per_driver
    ):
        raise RequestRefused(
            "too_many_open",
            _("You have %(n)s open reservations, as many as allowed. Cancel one first.")
            % {"n": limits.open_requests_per_driver},
        )


def _longest_stay(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if rest:
        return ngettext("Book at most %(n)s minute.", "Book at most %(n)s minutes.", minutes) % {"n": minutes}
    return ngettext("Book at most %(n)s hour.", "Book at most %(n)s hours.", hours) % {"n": hours}


def _remember(once: OnceOnly, *, caller: User, reservation: Reservation, now: datetime) -> None:
    """The key's row stands or falls with the reservation it names: no savepoint, a refusal undoes both."""
    try:
        IdempotencyKey.objects.create(
            caller=caller, key=once.key, fingerprint=once.fingerprint, reservation=reservation, created_at=now
        )
    except IntegrityError as error:
        raise KeyReused(_("This Idempotency-Key has been used already.")) from error
