"""A project may count with the server's nucleus model."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("review", "0012_append_only_trail")]

    operations = [
        migrations.AddField(
            model_name="scoringsettings",
            name="detector",
            field=models.CharField(
                choices=[("density", "optical density"), ("model", "the server's nucleus model")],
                default="density",
                help_text="What finds the nuclei.",
                max_length=7,
            ),
        ),
        migrations.AddConstraint(
            model_name="scoringsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("detector__in", ["density", "model"])), name="scoring_detector_known"
            ),
        ),
    ]
