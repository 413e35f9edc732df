"""Let the database itself refuse any change of a label that was given. TRUNCATE stays possible: tests flush with it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION annotation_refuse_label_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Weak labels are append-only: % refused. Write a new row instead.', TG_OP
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER weak_label_append_only BEFORE UPDATE OR DELETE ON annotation_weaklabel
    FOR EACH ROW EXECUTE FUNCTION annotation_refuse_label_change();
"""

BACKWARD = """
DROP TRIGGER weak_label_append_only ON annotation_weaklabel;
DROP FUNCTION annotation_refuse_label_change();
"""


class Migration(migrations.Migration):
    dependencies = [("annotation", "0001_patches_weak_labels")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
