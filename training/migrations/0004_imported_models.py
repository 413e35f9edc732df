"""Models that were trained elsewhere: runs that are over from the start and have no data set of the project."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_users_projects_roles"),
        ("training", "0003_frozen_stays_frozen"),
        ("viewer", "0003_ready_means_mpp_known"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="run",
            name="run_names_its_inputs",
        ),
        migrations.AddField(
            model_name="run",
            name="imported",
            field=models.BooleanField(
                default=False, help_text="Trained elsewhere and brought in: it has no data set of this project."
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind", "mil"), models.Q(("dataset__isnull", False), ("imported", True), _connector="OR")
                    ),
                    models.Q(
                        models.Q(("dataset__isnull", False), ("imported", True), _connector="OR"),
                        ("kind", "cyclegan"),
                        ("source_classifier_run__isnull", False),
                        ("target_classifier_run__isnull", False),
                    ),
                    models.Q(("generator_run__isnull", False), ("kind", "synthesis"), ("slide__isnull", False)),
                    models.Q(("kind", "score"), ("slide__isnull", False), ("source_classifier_run__isnull", False)),
                    _connector="OR",
                ),
                name="run_names_its_inputs",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("imported", False),
                    models.Q(("dataset__isnull", True), ("kind__in", ["mil", "cyclegan"]), ("status", "succeeded")),
                    _connector="OR",
                ),
                name="run_imported_is_over",
            ),
        ),
    ]
