"""Verdicts have drafts, reasons, pins and rounds, and are taken up again with a trail."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0007_alignment_versions"),
    ]

    operations = [
        migrations.CreateModel(
            name="VerdictDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[("usable", "usable"), ("minor_flaws", "minor flaws"), ("not_usable", "not usable")],
                        max_length=11,
                    ),
                ),
                ("reasons", models.JSONField(default=list)),
                ("confidence", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("pins", models.JSONField(default=list)),
                ("window", models.JSONField(blank=True, null=True)),
                ("comment", models.TextField(blank=True)),
                (
                    "revision",
                    models.PositiveIntegerField(
                        default=1, help_text="Of two tabs the one that saw the newest may write."
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="VerdictReopening",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name="review",
            name="confidence",
            field=models.PositiveSmallIntegerField(blank=True, help_text="1 (a guess) to 5 (certain).", null=True),
        ),
        migrations.AddField(
            model_name="review",
            name="counts",
            field=models.JSONField(
                default=dict, help_text="The numbers at this moment: of machine and reader, real and synthetic."
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="pins",
            field=models.JSONField(
                default=list, help_text="[{x, y, kind, note}, …] on the synthetic slide, level-0 pixels."
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="reasons",
            field=models.JSONField(default=list, help_text="Keys of `Reason`."),
        ),
        migrations.AddField(
            model_name="review",
            name="round",
            field=models.PositiveIntegerField(
                default=1, help_text="Counts the signatures of this reader on this slide."
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="uuid",
            field=models.UUIDField(
                default=uuid.uuid4, help_text="Named by the client, so that a repeat is recognised."
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="window",
            field=models.JSONField(
                blank=True,
                help_text="The hot-spot window judged: {x, y, side_um}, its middle on the source slide.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="verdictdraft",
            name="reader",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="verdictdraft",
            name="slide",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="verdict_drafts", to="viewer.slide"
            ),
        ),
        migrations.AddField(
            model_name="verdictreopening",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="verdictreopening",
            name="review",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="reopening", to="review.review"
            ),
        ),
        migrations.AddConstraint(
            model_name="verdictdraft",
            constraint=models.UniqueConstraint(fields=("slide", "reader"), name="draft_one_per_reader"),
        ),
        migrations.AddConstraint(
            model_name="verdictreopening",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="reopening_says_why"
            ),
        ),
    ]
