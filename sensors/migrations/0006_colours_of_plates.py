from django.db import migrations, models


class Migration(migrations.Migration):
    """What cameras say of a plate beside its characters; forgotten with it."""

    dependencies = [("sensors", "0005_messages_in_quarantine")]

    operations = [
        migrations.AddField(
            "plateread",
            "plate_colour",
            models.CharField("colour of the plate", blank=True, default="", max_length=20),
            preserve_default=False,
        ),
        migrations.AddField(
            "plateread",
            "media_ref",
            models.CharField("where its picture is", blank=True, default="", max_length=200),
            preserve_default=False,
        ),
    ]
