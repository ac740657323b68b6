from django.db import migrations

TABLES = ["allocation_decision", "allocation_assignment"]


class Migration(migrations.Migration):
    dependencies = [("allocation", "0001_initial"), ("accounts", "0002_database_guards")]

    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            f"DROP TRIGGER append_only ON {table}",
        )
        for table in TABLES
    ]
