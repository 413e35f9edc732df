import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("viewer", "0003_ready_means_mpp_known")]

    operations = [
        migrations.CreateModel(
            name="SlideTileIndex",
            fields=[
                (
                    "slide",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="tile_index",
                        serialize=False,
                        to="viewer.slide",
                    ),
                ),
                ("rule", models.PositiveSmallIntegerField(help_text="Tile rule under which it was made.")),
                ("content", models.BinaryField()),
            ],
        ),
    ]
