from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import User
from parking_share.reservations.models import ReservationEvent
from parking_share.reservations.states import Status


class Notice(models.Model):
    """A message to one person about one event, shown in the page and sent by e-mail."""

    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices", verbose_name=_("recipient"))
    event = models.ForeignKey(ReservationEvent, on_delete=models.PROTECT, related_name="notices")
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
        constraints = [models.UniqueConstraint(name="notice_once_per_event", fields=["recipient", "event"])]

    def __str__(self) -> str:
        return f"{self.recipient}: {Status(self.event.to_status).label}"


class EventCursor(models.Model):
    """How far a reader has come through the reservation events: all transactions below this one are read."""

    reader = models.CharField(_("reader"), max_length=40, primary_key=True)
    next_transaction = models.BigIntegerField(_("next transaction"), default=0)

    class Meta:
        verbose_name = _("event cursor")
        verbose_name_plural = _("event cursors")

    def __str__(self) -> str:
        return f"{self.reader} {self.next_transaction}"
