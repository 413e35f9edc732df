from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0001_datasets_runs")]

    operations = [
        migrations.AddField(
            model_name="dataset",
            name="splits",
            field=models.JSONField(
                default=dict, help_text="Names of the cases by split: train, validation, test (for evaluation)."
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="attempt",
            field=models.PositiveIntegerField(
                default=0, help_text="Counts the claims. A worker may write only while its own attempt is the newest."
            ),
        ),
        migrations.AddField(model_name="run", name="attempt_limit", field=models.PositiveIntegerField(default=3)),
        migrations.AddField(
            model_name="run",
            name="previews",
            field=models.JSONField(
                default=dict, help_text="Storage keys of the pictures of the validation patches, by epoch."
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="resume_state",
            field=models.JSONField(default=dict, help_text="The newest full state: key, files, epoch, saved_at."),
        ),
    ]
