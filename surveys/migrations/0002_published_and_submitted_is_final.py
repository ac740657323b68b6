from django.db import migrations

APPEND_ONLY = ["surveys_questionnaireversion", "surveys_question", "surveys_weighting"]

REFUSE_SUBMITTED = """
CREATE FUNCTION surveys_refuse_change_of_submitted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    present text;
BEGIN
    IF TG_TABLE_NAME = 'surveys_response' THEN
        present := OLD.standing;
        -- Only what could lead to a person may still be erased.
        IF TG_OP = 'UPDATE' AND NEW.token_hash IS NULL AND NEW.device_hash IS NULL
            AND to_jsonb(NEW) - 'device_hash' = to_jsonb(OLD) - 'device_hash'
        THEN
            RETURN NEW;
        END IF;
    ELSE
        SELECT standing INTO present FROM surveys_response WHERE id = OLD.response_id;
    END IF;
    IF present IN ('VALID', 'INVALID') THEN
        RAISE EXCEPTION 'a submitted response is final' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("surveys", "0001_initial"), ("accounts", "0002_database_guards")]

    operations = [
        *(
            migrations.RunSQL(
                f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION refuse_change()",
                f"DROP TRIGGER append_only ON {table}",
            )
            for table in APPEND_ONLY
        ),
        migrations.RunSQL(REFUSE_SUBMITTED, "DROP FUNCTION surveys_refuse_change_of_submitted()"),
        *(
            migrations.RunSQL(
                f"CREATE TRIGGER submitted_is_final BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION surveys_refuse_change_of_submitted()",
                f"DROP TRIGGER submitted_is_final ON {table}",
            )
            for table in ("surveys_response", "surveys_answer")
        ),
    ]
