"""Alignments are versioned and may be corrected by point pairs."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# On the way back a pair keeps its newest version, if the computer found it.
FORGET_VERSIONS = """
DELETE FROM review_alignment WHERE correlation IS NULL AND matrix IS NOT NULL;
DELETE FROM review_alignment older USING review_alignment newer
WHERE older.fixed_id = newer.fixed_id AND older.moving_id = newer.moving_id AND older.version < newer.version;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0006_cell_edits"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="alignment",
            name="alignment_once_per_pair",
        ),
        migrations.RemoveConstraint(
            model_name="alignment",
            name="alignment_fits_or_says_why_not",
        ),
        migrations.AddField(
            model_name="alignment",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="alignment",
            name="error_um",
            field=models.FloatField(
                blank=True, help_text="Median distance of those places after alignment, micrometres.", null=True
            ),
        ),
        migrations.AddField(
            model_name="alignment",
            name="points",
            field=models.JSONField(
                default=list,
                help_text="[[x, y, x', y'], …]: places a reader laid on each other, fixed and moving level 0.",
            ),
        ),
        migrations.AddField(
            model_name="alignment",
            name="version",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddConstraint(
            model_name="alignment",
            constraint=models.UniqueConstraint(
                fields=("fixed", "moving", "version"), name="alignment_once_per_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="alignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("correlation__isnull", False), ("matrix__isnull", False)),
                    models.Q(("matrix__isnull", False), models.Q(("points", []), _negated=True)),
                    models.Q(
                        ("correlation__isnull", True),
                        ("matrix__isnull", True),
                        models.Q(("message", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="alignment_fits_or_says_why_not",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, FORGET_VERSIONS),
    ]
