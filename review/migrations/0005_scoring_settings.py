"""Project options of a count: grade, least cells, hot spots, reference slide; the interval over the slide."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_users_projects_roles"),
        ("accounts", "__first__"),
        ("review", "0004_score_attempts"),
        ("viewer", "0003_ready_means_mpp_known"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScoringSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "grade",
                    models.CharField(
                        choices=[
                            ("none", "no grade"),
                            ("gep_net", "WHO grade of gastro-entero-pancreatic neuroendocrine tumours"),
                        ],
                        default="none",
                        help_text="Only tumours of this kind are graded by Ki-67.",
                        max_length=7,
                    ),
                ),
                (
                    "least_cells",
                    models.PositiveIntegerField(
                        default=500,
                        help_text="A ratio of fewer cells is shown with a warning; hot spots hold at least as many.",
                    ),
                ),
                (
                    "hot_spot_um",
                    models.PositiveIntegerField(default=500, help_text="Side of a hot-spot window, micrometres."),
                ),
            ],
            options={
                "verbose_name_plural": "scoring settings",
            },
        ),
        migrations.AddField(
            model_name="cellscore",
            name="slide_high",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="cellscore",
            name="slide_low",
            field=models.FloatField(
                blank=True,
                help_text="Block bootstrap over the slide, 95 %: wider than Wilson's where it is patchy.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="scoringsettings",
            name="project",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="scoring_settings", to="accounts.project"
            ),
        ),
        migrations.AddField(
            model_name="scoringsettings",
            name="reference_slide",
            field=models.ForeignKey(
                blank=True,
                help_text="Lends its calibration to synthetic slides of cases that have no real slide of the stain.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="viewer.slide",
            ),
        ),
        migrations.AddConstraint(
            model_name="scoringsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("grade__in", ["none", "gep_net"])), name="scoring_grade_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="scoringsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("hot_spot_um__gte", 50), ("least_cells__gte", 1)), name="scoring_windows_hold_cells"
            ),
        ),
    ]
