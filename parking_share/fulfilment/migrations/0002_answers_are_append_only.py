from django.db import migrations

TABLE = "fulfilment_gateanswer"


class Migration(migrations.Migration):
    dependencies = [("fulfilment", "0001_initial"), ("accounts", "0002_database_guards")]

    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {TABLE}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            f"DROP TRIGGER append_only ON {TABLE}",
        )
    ]
