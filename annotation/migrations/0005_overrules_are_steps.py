"""Overrulings of the threshold are steps: named, undone and said again like labels, in one order with them."""

import uuid

import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0004_append_only_readings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="overrule",
            name="act",
            field=models.CharField(
                choices=[("overrule", "overruled"), ("undo", "undone"), ("redo", "redone")],
                default="overrule",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="overrule",
            name="after",
            field=models.ForeignKey(
                help_text="The person's last label on the slide by then: undo goes back through both in their order.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotation.weaklabel",
            ),
        ),
        migrations.AddField(
            model_name="overrule",
            name="step",
            field=models.UUIDField(help_text="Names what is undone together; empty: the uuid.", null=True),
        ),
        migrations.AddField(
            model_name="overrule",
            name="uuid",
            field=models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(),
                default=uuid.uuid4,
                help_text="Of the request that brought it: a repeat is recognised.",
            ),
        ),
        migrations.AddConstraint(
            model_name="overrule",
            constraint=models.UniqueConstraint(fields=("by", "uuid", "patch"), name="overrule_uuid_once_per_patch"),
        ),
        migrations.AddConstraint(
            model_name="overrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("act__in", ["overrule", "undo", "redo"])), name="overrule_act_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="overrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("act", "overrule"), ("step__isnull", False), _connector="OR"),
                name="overrule_undo_names_its_step",
            ),
        ),
    ]
