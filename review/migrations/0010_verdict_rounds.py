"""One signature per reader, slide and round; one per uuid."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("review", "0009_number_verdicts")]

    operations = [
        migrations.AddConstraint(
            model_name="review",
            constraint=models.UniqueConstraint(fields=("reader", "uuid"), name="review_uuid_once_per_reader"),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.UniqueConstraint(fields=("slide", "reader", "round"), name="review_once_per_round"),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confidence__isnull", True),
                    models.Q(("confidence__gte", 1), ("confidence__lte", 5)),
                    _connector="OR",
                ),
                name="review_confidence_1_to_5",
            ),
        ),
    ]
