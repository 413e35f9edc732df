"""Say by name which checkpoints have scored a slide; those of before are known by their sha256 alone."""

import django.db.models.deletion
from django.db import migrations, models

BEFORE = """
INSERT INTO annotation_scoring (slide_id, checkpoint_sha256, name, scored_at)
SELECT patch.slide_id, said.checkpoint_sha256, '', now()
FROM annotation_patchprediction said JOIN annotation_largepatch patch ON patch.id = said.patch_id
GROUP BY patch.slide_id, said.checkpoint_sha256 ORDER BY min(said.id);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0005_overrules_are_steps"),
        ("viewer", "0005_colour_mode"),
    ]

    operations = [
        migrations.CreateModel(
            name="Scoring",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("checkpoint_sha256", models.CharField(max_length=64)),
                ("name", models.CharField(blank=True, help_text="Which run and epoch it is of.", max_length=120)),
                ("scored_at", models.DateTimeField(auto_now_add=True)),
                (
                    "slide",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scorings", to="viewer.slide"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("slide", "checkpoint_sha256"), name="scoring_once_per_checkpoint")
                ],
            },
        ),
        migrations.RunSQL(BEFORE, migrations.RunSQL.noop),
    ]
