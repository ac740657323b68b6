from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import User
from parking_share.reservations.models import Reservation, ReservationEvent


class Notice(models.Model):
    """A message to one person, shown in the page and sent by e-mail: about an event, or of a kind of its own.

    The facts of its own kinds are values, not words: `words` says them in the reader's language.
    """

    class Kind(models.TextChoices):
        EVENT = "EVENT", _("What happened to a reservation.")
        ENDING_SOON = "ENDING_SOON", _("Your time ends soon.")
        OVERSTAY = "OVERSTAY", _("Your time is over.")
        PROMISE_BROKEN = "PROMISE_BROKEN", _("Your bay was lost.")
        ASKED_TO_MOVE = "ASKED_TO_MOVE", _("Please move your car.")
        COME_LATER = "COME_LATER", _("No bay is free for you yet.")

    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices", verbose_name=_("recipient"))
    kind = models.CharField(_("kind"), max_length=14, choices=Kind, default=Kind.EVENT)
    event = models.ForeignKey(ReservationEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="notices")
    reservation = models.ForeignKey(
        Reservation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="notices",
        verbose_name=_("reservation"),
    )
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    once_key = models.CharField(_("told once under this key"), max_length=120, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(_("created"))
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    mail_claimed_at = models.DateTimeField(_("e-mail begun"), null=True, blank=True)
    mailed_at = models.DateTimeField(_("e-mail sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = [
            models.Index(name="notice_of_recipient", fields=["recipient", "-id"]),
            models.Index(name="notice_to_mail", fields=["id"], condition=Q(mailed_at__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(name="notice_once_per_event", fields=["recipient", "event"]),
            models.CheckConstraint(
                name="notice_has_an_event_or_a_kind_and_key_of_its_own",
                condition=Q(kind="EVENT", event__isnull=False, once_key__isnull=True)
                | (~Q(kind="EVENT") & Q(event__isnull=True, once_key__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.get_kind_display()}"

    @property
    def about(self) -> Reservation | None:
        """The reservation it tells of, if there is one; loads it unless the selector did."""
        return self.event.reservation if self.event else self.reservation


class EventCursor(models.Model):
    """How far a reader has come through the reservation events: all transactions below this one are read."""

    reader = models.CharField(_("reader"), max_length=40, primary_key=True)
    next_transaction = models.BigIntegerField(_("next transaction"), default=0)

    class Meta:
        verbose_name = _("event cursor")
        verbose_name_plural = _("event cursors")

    def __str__(self) -> str:
        return f"{self.reader} {self.next_transaction}"
