import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

SOMEBODY = {
    "on_delete": django.db.models.deletion.PROTECT,
    "null": True,
    "blank": True,
    "related_name": "+",
    "to": settings.AUTH_USER_MODEL,
}
KINDS = [
    ("NOBODY_DUE", "occupied with nobody due"),
    ("EMPTY_WHILE_PARKED", "free while somebody is parked"),
    ("WRONG_BAY", "a driver stands in another bay than announced"),
    ("NOT_BACK_IN_TIME", "occupied in the owner's own time"),
    ("CLOSED_WHILE_DUE", "closed with somebody due"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("fulfilment", "0004_penalty_rates_and_attended_promises"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("brokenpromise", "settled_by", models.ForeignKey(verbose_name="settled by", **SOMEBODY)),
        migrations.AddField(
            "brokenpromise",
            "settlement_note",
            models.CharField(blank=True, default="", max_length=200, verbose_name="how it was settled"),
            preserve_default=False,
        ),
        migrations.AddField("overstay", "waived_at", models.DateTimeField("waived", blank=True, null=True)),
        migrations.AddField("overstay", "waived_by", models.ForeignKey(verbose_name="waived by", **SOMEBODY)),
        migrations.AddField(
            "overstay",
            "waiver_note",
            models.CharField(blank=True, default="", max_length=200, verbose_name="why it was waived"),
            preserve_default=False,
        ),
        migrations.AlterField(
            "discrepancy", "kind", models.CharField("kind", choices=KINDS, max_length=18)
        ),
        migrations.AddConstraint(
            "brokenpromise",
            models.CheckConstraint(
                name="broken_promise_is_settled_by_somebody_somehow",
                condition=Q(settled_at__isnull=True, settled_by__isnull=True, settlement_note="")
                | (Q(settled_at__isnull=False, settled_by__isnull=False) & ~Q(settlement_note="")),
            ),
        ),
        migrations.AddConstraint(
            "overstay",
            models.CheckConstraint(
                name="overstay_is_waived_by_somebody_for_a_reason",
                condition=Q(waived_at__isnull=True, waived_by__isnull=True, waiver_note="")
                | (Q(waived_at__isnull=False, waived_by__isnull=False, ended_at__isnull=False) & ~Q(waiver_note="")),
            ),
        ),
    ]
