"""Let the database refuse changes to what a trained model came from."""

from django.db import migrations

# A frozen data set keeps everything but its note; nobody deletes it.
DATASET = """
CREATE FUNCTION training_dataset_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'note' = to_jsonb(OLD) - 'note' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A frozen data set is never changed or deleted; freeze a new one.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER training_dataset_is_frozen BEFORE UPDATE OR DELETE ON training_dataset
    FOR EACH ROW EXECUTE FUNCTION training_dataset_is_frozen();
"""

# A publication is withdrawn once, with who and why; what was published, by whom and when, stays.
PUBLICATION = """
CREATE FUNCTION training_publication_keeps_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL
       AND to_jsonb(NEW) - '{withdrawn_at,withdrawn_by_id,reason}'::text[]
         = to_jsonb(OLD) - '{withdrawn_at,withdrawn_by_id,reason}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The history of publications is never changed or deleted.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER training_publication_keeps_history BEFORE UPDATE OR DELETE ON training_publication
    FOR EACH ROW EXECUTE FUNCTION training_publication_keeps_history();
"""


class Migration(migrations.Migration):
    dependencies = [("training", "0002_splits_and_resuming")]

    operations = [
        migrations.RunSQL(
            DATASET,
            "DROP TRIGGER training_dataset_is_frozen ON training_dataset; DROP FUNCTION training_dataset_is_frozen();",
        ),
        migrations.RunSQL(
            PUBLICATION,
            "DROP TRIGGER training_publication_keeps_history ON training_publication;"
            " DROP FUNCTION training_publication_keeps_history();",
        ),
    ]
