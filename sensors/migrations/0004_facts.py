import django.contrib.postgres.indexes
from django.db import migrations, models

import parking_share.ranges

# The order of events of the same instant: by the SHA-256 of their keys, whose first half is `storing.key_hash`.
TIE_BREAK = """
CREATE FUNCTION sensors_tie_break(source_key text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT sha256(convert_to(source_key, 'UTF8'))
$$
"""

# One partition for the month of an instant; does nothing where it exists. A table is made beside and attached, which
# lets others read and write meanwhile; what waited in the default partition moves with it.
ENSURE_MONTH = """
CREATE OR REPLACE FUNCTION sensors_ensure_month(instant timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    first timestamptz := date_trunc('month', instant, 'UTC');
    after timestamptz := (date_trunc('month', instant AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    name text := 'sensors_reading_' || to_char(instant AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN name;
    END IF;
    EXECUTE format(
        'CREATE TABLE %1$I (LIKE sensors_reading INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES,'
        ' CONSTRAINT %2$I CHECK (observed_at >= %3$L AND observed_at < %4$L))',
        name, name || '_is_of_its_month', first, after
    );
    LOCK TABLE sensors_reading_elsewhen IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM sensors_reading_elsewhen WHERE observed_at >= first AND observed_at < after) THEN
        ALTER TABLE sensors_reading_elsewhen DISABLE TRIGGER append_only;
        EXECUTE format(
            'WITH moved AS (DELETE FROM sensors_reading_elsewhen WHERE observed_at >= %2$L AND observed_at < %3$L'
            ' RETURNING *) INSERT INTO %1$I SELECT * FROM moved',
            name, first, after
        );
        ALTER TABLE sensors_reading_elsewhen ENABLE TRIGGER append_only;
    END IF;
    EXECUTE format(
        'ALTER TABLE sensors_reading ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, first, after
    );
    RETURN name;
END $$
"""
ENSURE_MONTH_BEFORE = """
CREATE OR REPLACE FUNCTION sensors_ensure_month(instant timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    first timestamp := date_trunc('month', instant AT TIME ZONE 'UTC');
    name text := 'sensors_reading_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF sensors_reading FOR VALUES FROM (%L) TO (%L)',
            name, first AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC'
        );
    END IF;
    RETURN name;
END $$
"""


class Migration(migrations.Migration):
    """What the roll-up and retention look for has an index; months are attached without stopping anybody."""

    dependencies = [("sensors", "0003_ingestion")]

    operations = [
        migrations.AddIndex(
            "stay",
            django.contrib.postgres.indexes.GistIndex(
                "lot", parking_share.ranges.period("began_at", "ended_at"), name="stay_by_period"
            ),
        ),
        migrations.AddIndex(
            "knownkey", django.contrib.postgres.indexes.BrinIndex(fields=["received_at"], name="known_key_by_age")
        ),
        migrations.AddIndex(
            "reading",
            models.Index(name="reading_counted", fields=["device", "observed_at"], condition=models.Q(kind="COUNT")),
        ),
        migrations.RunSQL(TIE_BREAK, "DROP FUNCTION sensors_tie_break(text)"),
        migrations.RunSQL(ENSURE_MONTH, ENSURE_MONTH_BEFORE),
    ]
