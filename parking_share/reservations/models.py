from typing import Any, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Func, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import User, Vehicle
from parking_share.ranges import period
from parking_share.reservations.states import HOLDS_A_SPACE, MAY_LAPSE, OPEN, Reason, Status
from parking_share.spaces.models import Lot, Space

_HOLDING = sorted(HOLDS_A_SPACE)


class Reservation(models.Model):
    """A driver's claim on a lot for a period.

    `[starts_at, ends_at)` is what was booked and is billed, `[held_from, held_until)` what the bay is blocked for.
    """

    driver = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reservations", verbose_name=_("driver"))
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="reservations", verbose_name=_("lot"))
    space = models.ForeignKey(
        Space, on_delete=models.PROTECT, null=True, blank=True, related_name="reservations", verbose_name=_("space")
    )
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.REQUESTED)
    reason = models.CharField(_("reason"), max_length=40, choices=Reason, default=Reason.ASKED)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    held_from = models.DateTimeField(_("held from"))
    held_until = models.DateTimeField(_("held until"))
    lapses_at = models.DateTimeField(_("given back unless arrived by"), null=True, blank=True)
    needs_charger = models.BooleanField(_("needs a charger"), default=False)
    needs_accessible = models.BooleanField(_("needs an accessible bay"), default=False)
    requested_at = models.DateTimeField(_("requested"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    price_cents = models.PositiveIntegerField(_("price in minor units"))
    currency = models.CharField(_("currency"), max_length=3)

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        indexes = [
            models.Index(name="reservation_waiting", fields=["lot", "id"], condition=Q(status="REQUESTED")),
            models.Index(
                name="reservation_holding_by_lot", fields=["lot", "held_until"], condition=Q(status__in=_HOLDING)
            ),
            models.Index(name="reservation_to_announce", fields=["starts_at"], condition=Q(status="ACCEPTED")),
            models.Index(name="reservation_lapsing", fields=["lapses_at"], condition=Q(status__in=sorted(MAY_LAPSE))),
            models.Index(name="reservation_of_driver", fields=["driver", "-starts_at"]),
            models.Index(name="reservation_parked", fields=["ends_at"], condition=Q(status="PARKED")),
            models.Index(name="reservation_released", fields=["ends_at"], condition=Q(status="RELEASED")),
        ]
        constraints = [
            models.CheckConstraint(name="reservation_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="reservation_held_until_after_from", condition=Q(held_until__gt=F("held_from"))
            ),
            models.CheckConstraint(name="reservation_status_is_known", condition=Q(status__in=Status.values)),
            models.CheckConstraint(
                name="reservation_holds_exactly_when_it_has_a_space",
                condition=Q(status__in=_HOLDING, space__isnull=False)
                | (~Q(status__in=_HOLDING) & Q(space__isnull=True)),
            ),
            models.CheckConstraint(
                name="reservation_is_decided_once_it_left_the_queue",
                condition=Q(status__in=["REQUESTED", "CANCELLED"]) | Q(decided_at__isnull=False),
            ),
            ExclusionConstraint(
                name="reservation_no_overlap_in_space",
                expressions=[
                    ("space", RangeOperators.EQUAL),
                    (period("held_from", "held_until"), RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=_HOLDING),
                deferrable=Deferrable.IMMEDIATE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lot_id} {self.starts_at:%Y-%m-%d %H:%M} {self.status}"

    @property
    def is_decided(self) -> bool:
        return self.status != Status.REQUESTED

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def holds_a_space(self) -> bool:
        return self.status in HOLDS_A_SPACE

    @property
    def is_let_in(self) -> bool:
        """A gate has opened for the car, which has not been seen in its bay yet."""
        return self.status == Status.ASSIGNED and self.lapses_at is None

    @property
    def is_announced(self) -> bool:
        """The driver knows which bay; before that it may still change."""
        return self.status in {Status.ASSIGNED, Status.PARKED}


class ReservationVehicle(models.Model):
    """A car named for a reservation, with the period in which it can't be anywhere else."""

    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="vehicle_rows")
    vehicle = models.ForeignKey(
        Vehicle, on_delete=models.PROTECT, related_name="reservation_rows", verbose_name=_("vehicle")
    )
    plate_exact_hash = models.BinaryField(max_length=32, editable=False)
    held_from = models.DateTimeField(_("held from"))
    held_until = models.DateTimeField(_("held until"))
    is_held = models.BooleanField(_("held"), default=False)

    class Meta:
        verbose_name = _("vehicle of a reservation")
        verbose_name_plural = _("vehicles of reservations")
        constraints = [
            models.UniqueConstraint(name="vehicle_named_once_per_reservation", fields=["reservation", "vehicle"]),
            models.CheckConstraint(name="vehicle_held_until_after_from", condition=Q(held_until__gt=F("held_from"))),
            ExclusionConstraint(
                name="vehicle_is_in_one_place",
                expressions=[
                    ("plate_exact_hash", RangeOperators.EQUAL),
                    (period("held_from", "held_until"), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_held=True),
                deferrable=Deferrable.IMMEDIATE,
            ),
        ]

    def __str__(self) -> str:
        return str(self.vehicle)


class CurrentTransaction(Func):
    """The id of the transaction that writes the row, as a number that only grows."""

    template = "pg_current_xact_id()::text::bigint"
    output_field: ClassVar["models.Field[Any, Any]"] = models.BigIntegerField()


class ReservationEvent(models.Model):
    """What happened to a reservation: who, when, from and to, why. Append-only, by a trigger.

    The periods are those after the event; events from before they were recorded have none.
    """

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="events")
    from_status = models.CharField(_("from status"), max_length=9, choices=Status, blank=True)
    to_status = models.CharField(_("to status"), max_length=9, choices=Status)
    from_space = models.ForeignKey(
        Space, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("from space")
    )
    to_space = models.ForeignKey(
        Space, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("to space")
    )
    reason = models.CharField(_("reason"), max_length=40, choices=Reason)
    held_from = models.DateTimeField(_("held from"), null=True, blank=True)
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)
    ends_at = models.DateTimeField(_("booked until"), null=True, blank=True)
    actor = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("actor")
    )
    happened_at = models.DateTimeField(_("happened"))
    written_in = models.BigIntegerField(_("transaction"), db_default=CurrentTransaction(), editable=False)

    class Meta:
        verbose_name = _("reservation event")
        verbose_name_plural = _("reservation events")
        ordering = ["pk"]
        indexes = [models.Index(name="reservation_event_in_order", fields=["written_in", "id"])]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"

    @property
    def names_the_bay(self) -> bool:
        """Whether its driver may know the bay that it tells of."""
        return self.to_status == Status.ASSIGNED or self.is_a_move

    @property
    def is_a_move(self) -> bool:
        """Whether an announced bay was changed for another."""
        return (
            self.from_status == self.to_status
            and self.to_status in {Status.ASSIGNED, Status.PARKED}
            and self.from_space_id != self.to_space_id
        )


class IdempotencyKey(models.Model):
    """A key that a client sent with a request, what the call made, and the reply once it is final."""

    caller = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(_("key"), max_length=255)
    fingerprint = models.CharField(_("hash of the call"), max_length=64)
    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    reply_status = models.PositiveSmallIntegerField(_("status of the reply"), null=True, blank=True)
    reply_body = models.TextField(_("body of the reply"), blank=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        indexes = [models.Index(name="idempotency_key_by_age", fields=["created_at"])]
        constraints = [models.UniqueConstraint(name="idempotency_key_once_per_caller", fields=["caller", "key"])]

    def __str__(self) -> str:
        return self.key
