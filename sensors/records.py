"""What we did with the facts: files taken in, and what was forgotten."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportRun(models.Model):
    """How far a file has been read, so that an interrupted import goes on where it stopped."""

    kind = models.CharField(_("what it holds"), max_length=20)
    fingerprint = models.CharField(_("hash of file and options"), max_length=64, unique=True)
    file_name = models.CharField(_("file"), max_length=200)
    rows_done = models.PositiveBigIntegerField(_("rows read"), default=0)
    rows_refused = models.PositiveBigIntegerField(_("rows refused"), default=0)
    began_at = models.DateTimeField(_("begun"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return self.file_name


class Deletion(models.Model):
    """What retention deleted, and by which rule. Append-only, by a trigger."""

    what = models.CharField(_("what"), max_length=60)
    rule = models.CharField(_("rule"), max_length=120)
    rows = models.PositiveBigIntegerField(_("rows"))
    older_than = models.DateTimeField(_("older than"))
    deleted_at = models.DateTimeField(_("deleted"))

    class Meta:
        verbose_name = _("deletion")
        verbose_name_plural = _("deletions")

    def __str__(self) -> str:
        return f"{self.what} {self.deleted_at:%Y-%m-%d %H:%M}"
