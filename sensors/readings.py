"""What was heard: raw messages, readings, plates, and the outbox that fulfilment empties."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parking_share.spaces.models import Gate, Lot, Space
from sensors.gateways import Device, Gateway


class Kind(models.TextChoices):
    ENTER = "ENTER", _("entered")
    EXIT = "EXIT", _("left")
    PASS = "PASS", _("passed")
    OCCUPIED = "OCCUPIED", _("bay occupied")
    VACANT = "VACANT", _("bay free")
    CLOSED = "CLOSED", _("bay closed")
    COUNT = "COUNT", _("counted")
    HEARTBEAT = "HEARTBEAT", _("sign of life")


class RawMessage(models.Model):
    """A message as it came, kept before anything else is done with it.

    The body is encrypted, for it names plates; it is deleted with the retention of unmatched plates.
    """

    class State(models.TextChoices):
        NEW = "NEW", _("not read yet")
        READ = "READ", _("read")
        QUARANTINED = "QUARANTINED", _("could not be read")
        DISMISSED = "DISMISSED", _("put aside by a person")

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="messages", verbose_name=_("gateway"))
    received_at = models.DateTimeField(_("received"))
    content_type = models.CharField(_("content type"), max_length=200, blank=True)
    body_encrypted = models.BinaryField(editable=False)
    state = models.CharField(_("state"), max_length=11, choices=State, default=State.NEW)
    tries = models.PositiveSmallIntegerField(_("times tried"), default=0)
    complaint = models.TextField(_("what is wrong with it"), blank=True)

    class Meta:
        verbose_name = _("raw message")
        verbose_name_plural = _("raw messages")
        indexes = [
            models.Index(name="raw_message_to_read", fields=["id"], condition=Q(state="NEW")),
            models.Index(name="raw_message_by_age", fields=["received_at"]),
            models.Index(name="raw_message_quarantined", fields=["gateway"], condition=Q(state="QUARANTINED")),
        ]

    def __str__(self) -> str:
        return f"{self.gateway_id} {self.received_at:%Y-%m-%d %H:%M:%S} {self.state}"


class Reading(models.Model):
    """One event. The table is partitioned by month of `observed_at`; append-only, and old months are dropped whole.

    `observed_at` is when it happened as far as we can say: the device's time, or ours where its clock is off.
    """

    gateway = models.ForeignKey(
        Gateway, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    gate = models.ForeignKey(
        Gate, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    space = models.ForeignKey(
        Space, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    raw_message_id = models.BigIntegerField(null=True)
    source_key = models.CharField(_("key in its source"), max_length=200)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind)
    observed_at = models.DateTimeField(_("happened"))
    sequence = models.BigIntegerField(_("number in its source"), default=0)
    reported_at = models.DateTimeField(_("time of the device"))
    received_at = models.DateTimeField(_("received"))
    clock_is_off = models.BooleanField(_("clock of the device is off"), default=False)
    is_replayed = models.BooleanField(_("sent later"), default=False)
    occupied = models.PositiveIntegerField(_("cars counted"), null=True)
    state_text = models.CharField(_("state in words"), max_length=20, blank=True)
    confidence = models.FloatField(_("confidence"), null=True)

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        indexes = [
            models.Index(name="reading_of_space", fields=["space", "observed_at"], condition=Q(space__isnull=False)),
            models.Index(name="reading_of_lot", fields=["lot", "observed_at"], condition=Q(space__isnull=True)),
            models.Index(name="reading_counted", fields=["device", "observed_at"], condition=Q(kind="COUNT")),
            BrinIndex(name="reading_by_time", fields=["observed_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.observed_at:%Y-%m-%d %H:%M:%S}"


class KnownKey(models.Model):
    """A key that a gateway has sent already: what comes twice is stored once."""

    pk = models.CompositePrimaryKey("gateway_id", "key_hash")
    gateway = models.ForeignKey(
        Gateway, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    key_hash = models.UUIDField()
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("known key")
        verbose_name_plural = _("known keys")
        indexes = [BrinIndex(name="known_key_by_age", fields=["received_at"])]

    def __str__(self) -> str:
        return str(self.key_hash)


class PlateRead(models.Model):
    """The plate of a reading, apart from it, so that it can be forgotten while the reading stays."""

    reading_id = models.BigIntegerField(unique=True)
    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="+", verbose_name=_("lot"))
    observed_at = models.DateTimeField(_("happened"))
    plate_encrypted = models.BinaryField(editable=False)
    plate_exact_hash = models.BinaryField(max_length=32, editable=False)
    plate_folded_hash = models.BinaryField(max_length=32, editable=False)
    plate_colour = models.CharField(_("colour of the plate"), max_length=20, blank=True)
    media_ref = models.CharField(_("where its picture is"), max_length=200, blank=True)
    forget_at = models.DateTimeField(_("forgotten"))

    class Meta:
        verbose_name = _("plate read")
        verbose_name_plural = _("plates read")
        indexes = [
            models.Index(name="plate_read_to_forget", fields=["forget_at"]),
            models.Index(name="plate_read_by_plate", fields=["plate_exact_hash", "-observed_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.observed_at:%Y-%m-%d %H:%M:%S}"


class OutboxRow(models.Model):
    """Something new that fulfilment has to look at; whoever handles it deletes it in the same transaction.

    A short-lived queue, written once for almost every event: it has no foreign keys and no index but its own key.
    """

    reading_id = models.BigIntegerField()
    kind = models.CharField(_("kind"), max_length=9, choices=Kind)
    lot = models.ForeignKey(
        Lot, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False, verbose_name=_("lot")
    )
    gate = models.ForeignKey(
        Gate,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("gate"),
    )
    space = models.ForeignKey(
        Space,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("space"),
    )
    plate_read = models.ForeignKey(
        PlateRead, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False, db_constraint=False
    )
    observed_at = models.DateTimeField(_("happened"))
    received_at = models.DateTimeField(_("received"))
    is_replayed = models.BooleanField(_("sent later"), default=False)
    tries = models.PositiveSmallIntegerField(_("times tried"), default=0)

    class Meta:
        verbose_name = _("outbox row")
        verbose_name_plural = _("outbox rows")

    def __str__(self) -> str:
        return f"{self.kind} {self.observed_at:%Y-%m-%d %H:%M:%S}"
