from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("viewer", "0004_tile_index")]

    operations = [
        migrations.AddField(
            model_name="slide",
            name="colour_profile",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Name of the ICC profile in the file; empty: it carries none.",
                max_length=80,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="slide",
            name="colour",
            field=models.CharField(
                choices=[("native", "as scanned"), ("srgb", "converted to sRGB")],
                default="native",
                help_text="How its pixels are shown, counted and trained on.",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="slide",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("colour", "native"),
                    models.Q(("colour", "srgb"), models.Q(("colour_profile", ""), _negated=True)),
                    _connector="OR",
                ),
                name="slide_converted_by_its_profile",
            ),
        ),
    ]
