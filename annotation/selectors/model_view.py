"""What a classifier says of a slide's patches, for the heat map."""

import base64
from typing import Any

from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from annotation.models import GridSettings, PatchPrediction
from annotation.selectors.orders import scorings
from annotation.selectors.reading import is_blinded
from viewer.models import Slide


def model_view(slide: Slide, checkpoint: str = "") -> dict[str, Any]:
    """Return a checkpoint's scores: the newest one's unless another is named.

    Raises:
        ApplicationError: the slide is read blinded, or the checkpoint has not scored it.
    """
    if is_blinded(slide):
        raise ApplicationError(_("This slide is read blinded: no model is shown until all its readers are done."))
    known = [one.checkpoint_sha256 for one in scorings(slide)]
    chosen = checkpoint or (known[-1] if known else "")
    if chosen not in known:
        raise ApplicationError(_("No such checkpoint has scored this slide. A synthesis of it scores it."))
    settings = GridSettings.objects.get(project=slide.project)
    scores = PatchPrediction.objects.filter(patch__slide=slide, checkpoint_sha256=chosen).order_by("patch")
    return {
        "checkpoint": chosen,
        "checkpoints": known,
        "instances_across": settings.patch_px // settings.instance_px,
        "patches": [
            {
                "patch": score.patch_id,
                "probability": round(score.probability, 4),
                "best_x": score.best_x_l0,
                "best_y": score.best_y_l0,
                "instances": base64.b64encode(bytes(score.instance_probabilities)).decode(),
            }
            for score in scores
        ],
    }
