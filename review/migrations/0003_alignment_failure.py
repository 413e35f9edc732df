"""Keep why two slides could not be aligned, so that the page can tell it and nobody tries again at every visit."""

from django.db import migrations, models
from django.db.models import Q

FORGET_FAILURES = "DELETE FROM review_alignment WHERE matrix IS NULL;"


class Migration(migrations.Migration):
    dependencies = [("review", "0002_append_only_reviews")]

    operations = [
        migrations.AddField(
            "alignment", "message", models.TextField(blank=True, help_text="Why the slides could not be aligned.")
        ),
        migrations.AlterField(
            "alignment",
            "correlation",
            models.FloatField(blank=True, help_text="Of the aligned tissue maps, -1 to 1.", null=True),
        ),
        migrations.AlterField(
            "alignment",
            "matrix",
            models.JSONField(
                blank=True,
                help_text="[a, b, c, d, e, f]: x' = a x + b y + c, y' = d x + e y + f, fixed to moving; null: the slides do not fit.",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            "alignment",
            models.CheckConstraint(
                condition=Q(matrix__isnull=False, correlation__isnull=False)
                | (Q(matrix__isnull=True, correlation__isnull=True) & ~Q(message="")),
                name="alignment_fits_or_says_why_not",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, FORGET_FAILURES),
    ]
