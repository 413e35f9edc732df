import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_users_projects_roles"),
        ("annotation", "0002_append_only_labels"),
        ("viewer", "0003_ready_means_mpp_known"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Adjudication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.CharField(max_length=8)),
                (
                    "label_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="The readers' labels that were on screen.",
                        size=None,
                    ),
                ),
                ("comment", models.TextField(blank=True, max_length=2000)),
                ("uuid", models.UUIDField(default=uuid.uuid4)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Overrule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("offered", models.BooleanField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "part",
                    models.CharField(
                        choices=[
                            ("all", "reads every patch"),
                            ("shared", "reads the patches that are read twice"),
                            ("adjudicator", "settles disagreement"),
                        ],
                        default="all",
                        max_length=11,
                    ),
                ),
                ("assigned_at", models.DateTimeField(auto_now_add=True)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("reviewed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["slide", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ReadingSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "consensus",
                    models.CharField(
                        choices=[
                            ("single", "all who labelled agree"),
                            ("majority", "more than half agree"),
                            ("adjudicated", "all agree, or an adjudicator decided"),
                        ],
                        default="single",
                        max_length=16,
                    ),
                ),
                (
                    "double_share",
                    models.FloatField(
                        default=0.2,
                        help_text="Share of a slide's patches that its second readers are asked about, 0 to 1.",
                    ),
                ),
                (
                    "double_seed",
                    models.PositiveIntegerField(default=7, help_text="Draws the patches that are read twice."),
                ),
                (
                    "blinded",
                    models.BooleanField(
                        default=True,
                        help_text="Readers of one slide see neither each other's labels nor a model's until all are done.",
                    ),
                ),
                (
                    "assigned_only",
                    models.BooleanField(default=False, help_text="Only readers whom a lead assigned may label."),
                ),
            ],
            options={
                "verbose_name_plural": "reading settings",
            },
        ),
        migrations.CreateModel(
            name="Remark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("flag", "flagged for discussion"),
                            ("unflag", "flag taken back"),
                            ("comment", "comment"),
                        ],
                        max_length=7,
                    ),
                ),
                ("text", models.TextField(blank=True, max_length=2000)),
                ("uuid", models.UUIDField(default=uuid.uuid4)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.AddField(
            model_name="largepatch",
            name="by_otsu",
            field=models.BooleanField(
                default=True, help_text="Otsu's threshold found enough tissue; a person may overrule it."
            ),
        ),
        migrations.AddField(
            model_name="weaklabel",
            name="act",
            field=models.CharField(
                choices=[("label", "labelled"), ("undo", "undone"), ("redo", "redone"), ("restore", "restored")],
                default="label",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="weaklabel",
            name="decided_at",
            field=models.DateTimeField(
                blank=True, help_text="By the reader's own clock, which may be wrong; nothing rests on it.", null=True
            ),
        ),
        migrations.AddField(
            model_name="weaklabel",
            name="order",
            field=models.CharField(
                default="position", help_text="In which order the reader was shown the patches.", max_length=80
            ),
        ),
        migrations.AddField(
            model_name="weaklabel",
            name="step",
            field=models.UUIDField(
                help_text="Shared by the rows that were decided, and are undone, together; empty: alone.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="largepatch",
            name="offered",
            field=models.BooleanField(help_text="Readers are asked about it."),
        ),
        migrations.AlterField(
            model_name="weaklabel",
            name="route",
            field=models.CharField(
                choices=[
                    ("key", "keyboard"),
                    ("mouse", "mouse"),
                    ("touch", "touch"),
                    ("api", "API"),
                    ("file", "imported file"),
                    ("demo", "from the drawn truth"),
                ],
                default="api",
                max_length=5,
            ),
        ),
        migrations.AddConstraint(
            model_name="weaklabel",
            constraint=models.CheckConstraint(
                condition=models.Q(("order__regex", "^(position|random:[0-9]{1,9}|uncertain:[0-9a-f]{64})$")),
                name="label_order_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="weaklabel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("act__in", ["undo", "redo"]), _negated=True), ("replaces__isnull", False), _connector="OR"
                ),
                name="label_undo_replaces_a_row",
            ),
        ),
        migrations.AddField(
            model_name="adjudication",
            name="adjudicator",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="adjudications", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="adjudication",
            name="patch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="adjudications", to="annotation.largepatch"
            ),
        ),
        migrations.AddField(
            model_name="adjudication",
            name="replaces",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotation.adjudication",
            ),
        ),
        migrations.AddField(
            model_name="overrule",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="overrule",
            name="patch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="overrules", to="annotation.largepatch"
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="assigned_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="reader",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="readings", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="reviewed_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="slide",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="readings", to="viewer.slide"
            ),
        ),
        migrations.AddField(
            model_name="readingsettings",
            name="project",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="reading_settings", to="accounts.project"
            ),
        ),
        migrations.AddField(
            model_name="remark",
            name="author",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="remarks", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="remark",
            name="patch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="remarks", to="annotation.largepatch"
            ),
        ),
        migrations.AddConstraint(
            model_name="adjudication",
            constraint=models.UniqueConstraint(fields=("adjudicator", "uuid"), name="adjudication_uuid_once"),
        ),
        migrations.AddConstraint(
            model_name="adjudication",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replaces__isnull", True)),
                fields=("patch",),
                name="adjudication_one_first_per_patch",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjudication",
            constraint=models.CheckConstraint(
                condition=models.Q(("value__in", ["tumor", "normal", "unsure", "exclude"])),
                name="adjudication_value_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.UniqueConstraint(fields=("slide", "reader"), name="reading_once_per_reader"),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.CheckConstraint(
                condition=models.Q(("reviewed_at__isnull", True), ("done_at__isnull", False), _connector="OR"),
                name="reading_reviewed_after_done",
            ),
        ),
        migrations.AddConstraint(
            model_name="readingsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("double_share__gte", 0), ("double_share__lte", 1)),
                name="reading_double_share_is_a_share",
            ),
        ),
        migrations.AddConstraint(
            model_name="readingsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("consensus__in", ["single", "majority", "adjudicated"])),
                name="reading_consensus_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="remark",
            constraint=models.UniqueConstraint(fields=("author", "uuid"), name="remark_uuid_once_per_author"),
        ),
        migrations.AddConstraint(
            model_name="remark",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["flag", "unflag"]), ("text", "")),
                    models.Q(("kind", "comment"), models.Q(("text", ""), _negated=True)),
                    _connector="OR",
                ),
                name="remark_comment_has_text",
            ),
        ),
    ]
