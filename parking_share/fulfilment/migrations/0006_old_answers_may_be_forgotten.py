from django.db import migrations

KEEP_YOUNG_ROWS = """
CREATE FUNCTION refuse_change_of_young_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        AND OLD.answered_at < nullif(current_setting('parking_share.forget_before', true), '')::timestamptz
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
DROP TRIGGER append_only ON fulfilment_gateanswer;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON fulfilment_gateanswer
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_young_answer();
"""
KEEP_ALL_ROWS = """
DROP TRIGGER append_only ON fulfilment_gateanswer;
DROP FUNCTION refuse_change_of_young_answer();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON fulfilment_gateanswer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    """Retention may delete answers that are older than the instant its transaction names; nothing else may."""

    dependencies = [("fulfilment", "0005_waivers_and_settlements")]

    operations = [migrations.RunSQL(KEEP_YOUNG_ROWS, KEEP_ALL_ROWS)]
