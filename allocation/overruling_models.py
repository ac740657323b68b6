"""What staff decided over the policy's head; `models` gathers it with the other rows of this room."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parking_share.accounts.models import User
from parking_share.reservations.models import Reservation
from parking_share.reservations.states import Reason
from parking_share.spaces.models import Space


class Overruling(models.Model):
    """A rejection that staff took up again, why, and what the next round made of it."""

    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, related_name="overrulings", verbose_name=_("reservation")
    )
    space = models.ForeignKey(
        Space, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("wanted space")
    )
    why = models.CharField(_("why"), max_length=300)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("overruled by"))
    made_at = models.DateTimeField(_("overruled"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    answer = models.CharField(_("answer"), max_length=40, choices=Reason, blank=True)

    class Meta:
        verbose_name = _("overruling")
        verbose_name_plural = _("overrulings")
        constraints = [
            models.UniqueConstraint(
                name="reservation_overruled_once_at_a_time",
                fields=["reservation"],
                condition=Q(settled_at__isnull=True),
            ),
            models.CheckConstraint(
                name="overruling_is_answered_exactly_when_settled",
                condition=Q(settled_at__isnull=True, answer="") | (Q(settled_at__isnull=False) & ~Q(answer="")),
            ),
            models.CheckConstraint(name="overruling_says_why", condition=~Q(why="")),
        ]

    def __str__(self) -> str:
        return self.why


class Pin(models.Model):
    """A bay that staff chose for a reservation: no policy moves it. A bay that is lost still is replaced."""

    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, related_name="pins", verbose_name=_("reservation")
    )
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="+", verbose_name=_("space"))
    why = models.CharField(_("why"), max_length=300)
    pinned_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("pinned by"))
    pinned_at = models.DateTimeField(_("pinned"))
    lifted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lifted by")
    )
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        verbose_name = _("pinned bay")
        verbose_name_plural = _("pinned bays")
        constraints = [
            models.UniqueConstraint(
                name="reservation_pinned_once_at_a_time", fields=["reservation"], condition=Q(lifted_at__isnull=True)
            ),
            models.CheckConstraint(
                name="pin_lifted_by_somebody",
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False),
            ),
            models.CheckConstraint(name="pin_says_why", condition=~Q(why="")),
        ]

    def __str__(self) -> str:
        return str(self.space)
