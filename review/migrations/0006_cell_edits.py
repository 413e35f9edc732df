"""What readers change about the counted cells."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0005_scoring_settings"),
    ]

    operations = [
        migrations.CreateModel(
            name="CellEdit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "action",
                    models.CharField(
                        choices=[("add", "added"), ("remove", "removed"), ("flip", "flipped"), ("undo", "undone")],
                        max_length=6,
                    ),
                ),
                (
                    "cell_index",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Row of the counted cell in the column file; null: a reader added it.",
                        null=True,
                    ),
                ),
                (
                    "machine_positive",
                    models.BooleanField(
                        blank=True, help_text="What the counter said of it; null: a reader added it.", null=True
                    ),
                ),
                ("x_l0", models.FloatField()),
                ("y_l0", models.FloatField()),
                ("present", models.BooleanField(help_text="Whether the cell counts after this edit.")),
                ("positive", models.BooleanField(help_text="What it is after this edit.")),
                (
                    "uuid",
                    models.UUIDField(
                        default=uuid.uuid4, help_text="Named by the client, so that a repeat is recognised."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.AddField(
            model_name="celledit",
            name="after",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="successor",
                to="review.celledit",
            ),
        ),
        migrations.AddField(
            model_name="celledit",
            name="reader",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="celledit",
            name="score",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="edits", to="review.cellscore"
            ),
        ),
        migrations.AddField(
            model_name="celledit",
            name="undoes",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="review.celledit",
            ),
        ),
        migrations.AddConstraint(
            model_name="celledit",
            constraint=models.UniqueConstraint(fields=("reader", "uuid"), name="edit_uuid_once_per_reader"),
        ),
        migrations.AddConstraint(
            model_name="celledit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("after__isnull", True)),
                fields=("score", "cell_index"),
                name="edit_one_first_per_cell",
            ),
        ),
        migrations.AddConstraint(
            model_name="celledit",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ["add", "remove", "flip", "undo"])), name="edit_action_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="celledit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cell_index__isnull", False), ("machine_positive__isnull", False)),
                    models.Q(("cell_index__isnull", True), ("machine_positive__isnull", True)),
                    _connector="OR",
                ),
                name="edit_counted_or_added",
            ),
        ),
        migrations.AddConstraint(
            model_name="celledit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("action", "add"), _negated=True),
                    models.Q(("after__isnull", True), ("cell_index__isnull", True), ("present", True)),
                    _connector="OR",
                ),
                name="edit_added_begins_a_chain",
            ),
        ),
    ]
