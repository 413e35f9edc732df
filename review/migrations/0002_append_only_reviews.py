"""Let the database itself refuse any change of a signed verdict. TRUNCATE stays possible: tests flush with it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION review_refuse_verdict_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Verdicts are append-only: % refused. Sign a new one instead.', TG_OP
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER review_append_only BEFORE UPDATE OR DELETE ON review_review
    FOR EACH ROW EXECUTE FUNCTION review_refuse_verdict_change();
"""

BACKWARD = """
DROP TRIGGER review_append_only ON review_review;
DROP FUNCTION review_refuse_verdict_change();
"""


class Migration(migrations.Migration):
    dependencies = [("review", "0001_scores_verdicts")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
