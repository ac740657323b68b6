from datetime import UTC, datetime

from django.conf import settings
from django.db import migrations, models
from django.db.models import F


def charge_from_the_beginning(apps, _schema_editor):
    overstays = apps.get_model("fulfilment", "Overstay")
    overstays.objects.update(charged_from=F("began_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("fulfilment", "0003_exits_and_wrong_codes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="overstay",
            name="charged_from",
            field=models.DateTimeField(default=datetime(2000, 1, 1, tzinfo=UTC), verbose_name="charged from"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="overstay",
            name="cents_an_hour",
            field=models.PositiveIntegerField(default=0, verbose_name="penalty rate, minor units an hour"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="brokenpromise",
            name="attended_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="replacement looked for"),
        ),
        migrations.AddIndex(
            model_name="brokenpromise",
            index=models.Index(
                condition=models.Q(("attended_at__isnull", True)), fields=["id"], name="broken_promise_to_attend"
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="reported_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=models.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="reported by",
            ),
        ),
        migrations.RunPython(charge_from_the_beginning, migrations.RunPython.noop),
    ]
