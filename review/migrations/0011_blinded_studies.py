"""Blinded studies."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0010_verdict_rounds"),
    ]

    operations = [
        migrations.CreateModel(
            name="Study",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                (
                    "state",
                    models.CharField(
                        choices=[("queued", "queued"), ("ready", "ready"), ("closed", "closed"), ("failed", "failed")],
                        default="queued",
                        max_length=6,
                    ),
                ),
                ("message", models.TextField(blank=True)),
                (
                    "seed",
                    models.PositiveBigIntegerField(help_text="Decides which fields are cut and each reader's order."),
                ),
                ("field_um", models.PositiveIntegerField(default=224, help_text="Side of a field, micrometres.")),
                ("fields_per_kind", models.PositiveIntegerField(default=20)),
                (
                    "repeats",
                    models.PositiveIntegerField(
                        default=4, help_text="Fields that come twice, for agreement with oneself."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "studies",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="StudyAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("says_synthetic", models.BooleanField()),
                ("confidence", models.PositiveSmallIntegerField(help_text="1 (a guess) to 5 (certain).")),
                (
                    "milliseconds",
                    models.PositiveIntegerField(blank=True, help_text="From field shown to answer.", null=True),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="StudyField",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(help_text="Random; the only name that readers see.", max_length=32, unique=True),
                ),
                ("etag", models.CharField(help_text="Random.", max_length=32)),
                ("synthetic", models.BooleanField()),
                ("x_l0", models.PositiveIntegerField()),
                ("y_l0", models.PositiveIntegerField()),
                ("side_l0", models.PositiveIntegerField()),
                ("key", models.CharField(max_length=200)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.AddField(
            model_name="study",
            name="created_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="study",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="studies", to="accounts.project"
            ),
        ),
        migrations.AddField(
            model_name="studyanswer",
            name="reader",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="studyfield",
            name="repeats",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="review.studyfield",
            ),
        ),
        migrations.AddField(
            model_name="studyfield",
            name="slide",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="viewer.slide"),
        ),
        migrations.AddField(
            model_name="studyfield",
            name="study",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="fields", to="review.study"
            ),
        ),
        migrations.AddField(
            model_name="studyanswer",
            name="field",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="review.studyfield"
            ),
        ),
        migrations.AddConstraint(
            model_name="study",
            constraint=models.UniqueConstraint(fields=("project", "name"), name="study_name_once_per_project"),
        ),
        migrations.AddConstraint(
            model_name="study",
            constraint=models.CheckConstraint(
                condition=models.Q(("field_um__gte", 50), ("fields_per_kind__gte", 1), ("fields_per_kind__lte", 500)),
                name="study_has_fields",
            ),
        ),
        migrations.AddConstraint(
            model_name="studyanswer",
            constraint=models.UniqueConstraint(fields=("field", "reader"), name="answer_once_per_field"),
        ),
        migrations.AddConstraint(
            model_name="studyanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("confidence__gte", 1), ("confidence__lte", 5)), name="answer_confidence_1_to_5"
            ),
        ),
    ]
