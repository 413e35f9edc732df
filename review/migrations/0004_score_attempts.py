"""Count the claims of a score, so that a worker that was given up cannot write; keep the sensitivity beside the ratio."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("review", "0003_alignment_failure")]

    operations = [
        migrations.AddField(
            "cellscore",
            "attempt",
            models.PositiveIntegerField(
                default=0,
                help_text="Counts the claims. A worker may write only while its own attempt is the newest.",
            ),
        ),
        migrations.AddField(
            "cellscore",
            "sensitivity",
            models.JSONField(default=list, help_text="The ratio at other DAB thresholds."),
        ),
        migrations.AlterField(
            "cellscore",
            "parameters",
            models.JSONField(default=dict, help_text="All that the counter was told, and its version."),
        ),
    ]
