"""A project may count with the server's nucleus model; drawn slides keep what was drawn."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("review", "0012_append_only_trail"), ("viewer", "0005_colour_mode")]

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
        migrations.CreateModel(
            name="DrawnTruth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("positive", models.PositiveIntegerField()),
                ("negative", models.PositiveIntegerField()),
                (
                    "slide",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="drawn_truth", to="viewer.slide"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("positive__gt", 0), ("negative__gt", 0), _connector="OR"),
                        name="drawn_truth_has_nuclei",
                    )
                ]
            },
        ),
    ]
