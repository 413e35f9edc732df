"""Let the database refuse changes of remarks, adjudications and overrulings; say what Otsu's threshold had found."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION annotation_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused. Write a new row instead.', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER remark_append_only BEFORE UPDATE OR DELETE ON annotation_remark
    FOR EACH ROW EXECUTE FUNCTION annotation_refuse_change();
CREATE TRIGGER adjudication_append_only BEFORE UPDATE OR DELETE ON annotation_adjudication
    FOR EACH ROW EXECUTE FUNCTION annotation_refuse_change();
CREATE TRIGGER overrule_append_only BEFORE UPDATE ON annotation_overrule
    FOR EACH ROW EXECUTE FUNCTION annotation_refuse_change();
"""

BACKWARD = """
DROP TRIGGER remark_append_only ON annotation_remark;
DROP TRIGGER adjudication_append_only ON annotation_adjudication;
DROP TRIGGER overrule_append_only ON annotation_overrule;
DROP FUNCTION annotation_refuse_change();
"""

# Until now nobody could overrule the threshold: what is offered is what it found.
OTSU = "UPDATE annotation_largepatch SET by_otsu = offered WHERE by_otsu <> offered;"


class Migration(migrations.Migration):
    dependencies = [("annotation", "0003_several_readers")]

    operations = [
        migrations.RunSQL(OTSU, migrations.RunSQL.noop),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
