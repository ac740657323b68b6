from django.db import migrations, models


def say_which_admit_the_public(apps, schema_editor):
    apps.get_model("spaces", "AccessClass").objects.filter(code__in=["PUBLIC", "COMMERCIAL"]).update(admits_public=True)


class Migration(migrations.Migration):
    dependencies = [("spaces", "0005_guards_watch_gates")]

    operations = [
        migrations.AddField(
            model_name="accessclass",
            name="admits_public",
            field=models.BooleanField(
                default=False,
                help_text="Where it is not, only bays in their shared hours count as open.",
                verbose_name="every bay is open to the public",
            ),
        ),
        migrations.RunPython(say_which_admit_the_public, migrations.RunPython.noop),
    ]
