"""Write patches, labels and predictions: one verb, one transaction."""

from annotation.services.grids import change_grid_settings, ensure_grid, lay_out_patches, open_for_labelling
from annotation.services.labels import label_patch
from annotation.services.predictions import Prediction, record_predictions

__all__ = [
    "Prediction",
    "change_grid_settings",
    "ensure_grid",
    "label_patch",
    "lay_out_patches",
    "open_for_labelling",
    "record_predictions",
]
