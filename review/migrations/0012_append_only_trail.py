"""Let the database itself refuse any change of an edit, a reopening or a study's answer."""

from django.db import migrations

TABLES = ("review_celledit", "review_verdictreopening", "review_studyanswer")

FUNCTION = """
CREATE FUNCTION review_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are append-only: % refused.', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END;
$$;
"""
FORWARD = FUNCTION + "".join(
    f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION review_refuse_change();\n"
    for table in TABLES
)
BACKWARD = "".join(f"DROP TRIGGER {table}_append_only ON {table};\n" for table in TABLES) + (
    "DROP FUNCTION review_refuse_change();"
)


class Migration(migrations.Migration):
    dependencies = [("review", "0011_blinded_studies")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
