"""Write patches, labels and predictions: one verb, one transaction."""

from annotation.services.grids import change_grid_settings, ensure_grid, lay_out_patches, open_for_labelling
from annotation.services.imports import Comparison, import_labels
from annotation.services.labels import label_patch
from annotation.services.overrules import overrule_tissue
from annotation.services.predictions import Prediction, record_predictions
from annotation.services.reading import (
    adjudicate,
    assign,
    change_reading_settings,
    finish_reading,
    reopen_reading,
    review_reading,
    unassign,
)
from annotation.services.remarks import add_remark
from annotation.services.steps import PatchWrite, label_patches

__all__ = [
    "Comparison",
    "PatchWrite",
    "Prediction",
    "add_remark",
    "adjudicate",
    "assign",
    "change_grid_settings",
    "change_reading_settings",
    "ensure_grid",
    "finish_reading",
    "import_labels",
    "label_patch",
    "label_patches",
    "lay_out_patches",
    "open_for_labelling",
    "overrule_tissue",
    "record_predictions",
    "reopen_reading",
    "review_reading",
    "unassign",
]
