"""The order in which a reader is shown the patches of a slide."""

import random
import re

from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from annotation.models import ORDER_PATTERN, LargePatch, PatchPrediction, Scoring
from viewer.models import Slide

POSITION = "position"


def scorings(slide: Slide) -> list[Scoring]:
    """Return which checkpoints have scored the slide, the newest last."""
    return list(Scoring.objects.filter(slide=slide).order_by("pk"))


def in_order(slide: Slide, patches: list[LargePatch], order: str, blinded: bool) -> list[LargePatch]:
    """Return patches in an order: by position, shuffled by a seed, or the most uncertain first.

    Raises:
        ApplicationError: no such order, no scores for it, or a model's order in blinded work.
    """
    if not re.fullmatch(ORDER_PATTERN, order):
        raise ApplicationError(
            _("“%(order)s” is no order; expected position, random:SEED or uncertain:CHECKPOINT.") % {"order": order}
        )
    by_position = sorted(patches, key=lambda patch: (patch.row, patch.column))
    kind, _colon, rest = order.partition(":")
    if kind == "random":
        random.Random(int(rest)).shuffle(by_position)
        return by_position
    if kind == "uncertain":
        if blinded:
            raise ApplicationError(_("This slide is read blinded: a model's order is off until all readers are done."))
        scores = PatchPrediction.objects.filter(patch__slide=slide, checkpoint_sha256=rest)
        probability = dict(scores.values_list("patch_id", "probability"))
        if not probability:
            raise ApplicationError(_("This checkpoint has not scored this slide. Choose another order."))
        # Patches without a score come last, by position.
        return sorted(by_position, key=lambda patch: abs(probability.get(patch.pk, 2.0) - 0.5))
    return by_position
