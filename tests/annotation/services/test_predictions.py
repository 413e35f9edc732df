import pytest

from accounts.errors import ApplicationError
from annotation.models import LargePatch, PatchPrediction
from annotation.selectors import scorings
from annotation.services import Prediction, record_predictions
from tests.factories import make_patch

CHECKPOINT = "ab" * 32


def prediction(patch: LargePatch, probability: float = 0.9) -> Prediction:
    return Prediction(
        patch.pk, probability, best_x_l0=16, best_y_l0=32, instance_probabilities=bytes([0, 128, 254, 255])
    )


def test_predictions_are_kept_per_checkpoint(patch: LargePatch) -> None:
    assert record_predictions(patch.slide, CHECKPOINT, [prediction(patch)]) == 1
    assert record_predictions(patch.slide, "cd" * 32, [prediction(patch, 0.2)]) == 1
    kept = PatchPrediction.objects.get(checkpoint_sha256=CHECKPOINT)
    assert (kept.patch, kept.probability, kept.best_x_l0, kept.best_y_l0) == (patch, 0.9, 16, 32)
    assert bytes(kept.instance_probabilities) == bytes([0, 128, 254, 255])
    assert PatchPrediction.objects.count() == 2


def test_a_repeat_overwrites_and_doubles_nothing(patch: LargePatch) -> None:
    record_predictions(patch.slide, CHECKPOINT, [prediction(patch, 0.1)])
    record_predictions(patch.slide, CHECKPOINT, [prediction(patch, 0.7)], "Run 3 · epoch 7")
    assert PatchPrediction.objects.get().probability == 0.7
    assert [(one.checkpoint_sha256, one.name) for one in scorings(patch.slide)] == [(CHECKPOINT, "Run 3 · epoch 7")]


def test_a_patch_of_another_slide_is_refused_and_nothing_is_kept(patch: LargePatch) -> None:
    foreign = make_patch()
    with pytest.raises(ApplicationError, match=f"patch {foreign.pk}, which is not one of"):
        record_predictions(patch.slide, CHECKPOINT, [prediction(patch), prediction(foreign)])
    assert PatchPrediction.objects.count() == 0
    assert scorings(patch.slide) == []
