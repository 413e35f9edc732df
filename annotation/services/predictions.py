"""Keep what classifiers say of large patches, so that pages can show it without torch."""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from annotation.models import LargePatch, PatchPrediction, Scoring
from viewer.models import Slide


class Prediction(NamedTuple):
    """What a MIL checkpoint says of one patch; instance probabilities row by row, one byte each, 255 not scored."""

    patch_id: int
    probability: float
    best_x_l0: int
    best_y_l0: int
    instance_probabilities: bytes


@transaction.atomic
def record_predictions(slide: Slide, checkpoint_sha256: str, predictions: Iterable[Prediction], name: str = "") -> int:
    """Keep what a checkpoint says of a slide's patches; a repeat overwrites with the same. Returns how many.

    `name` is what readers know the checkpoint by.

    Raises:
        ApplicationError: a prediction names a patch that is not one of the slide's.
    """
    own = set(LargePatch.objects.filter(slide=slide).values_list("pk", flat=True))
    rows = [PatchPrediction(checkpoint_sha256=checkpoint_sha256, **prediction._asdict()) for prediction in predictions]
    if foreign := sorted({row.patch_id for row in rows} - own):
        raise ApplicationError(
            _("Predictions name patch %(patch)s, which is not one of “%(slide)s”. Nothing was kept.")
            % {"patch": foreign[0], "slide": slide}
        )
    PatchPrediction.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["patch", "checkpoint_sha256"],
        update_fields=["probability", "best_x_l0", "best_y_l0", "instance_probabilities"],
    )
    Scoring.objects.update_or_create(slide=slide, checkpoint_sha256=checkpoint_sha256, defaults={"name": name})
    return len(rows)
