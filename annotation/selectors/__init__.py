"""Read patches, labels, readings and what they add up to."""

from annotation.selectors.agreement import agreement, disagreements
from annotation.selectors.consensus import Consensus, consensus_labels, consensus_rule
from annotation.selectors.dashboard import class_balance, reader_rows, slide_states
from annotation.selectors.label_rows import label_rows, rows_of_slide
from annotation.selectors.labels import (
    current_labels,
    get_patch,
    get_real_slide,
    has_labels,
    has_read,
    standing_labels,
    target_mpp,
)
from annotation.selectors.model_view import model_view
from annotation.selectors.orders import in_order, scorings
from annotation.selectors.payload import flagged_patches, labelling_payload, resampling_note
from annotation.selectors.reading import (
    asked_patches,
    double_read_ids,
    is_blinded,
    label_history,
    may_adjudicate,
    may_read_patch,
    my_readings,
    progress,
    reading_of,
    reading_settings,
    remarks_on,
    require_adjudicator,
    require_reader_or_lead,
    sees_others,
)
from annotation.selectors.steps import undo_history
from annotation.selectors.work import labelled_slides, labelling_rows, my_work, open_projects, pathologists

__all__ = [
    "Consensus",
    "agreement",
    "asked_patches",
    "class_balance",
    "consensus_labels",
    "consensus_rule",
    "current_labels",
    "disagreements",
    "double_read_ids",
    "flagged_patches",
    "get_patch",
    "get_real_slide",
    "has_labels",
    "has_read",
    "in_order",
    "is_blinded",
    "label_history",
    "label_rows",
    "labelled_slides",
    "labelling_payload",
    "labelling_rows",
    "may_adjudicate",
    "may_read_patch",
    "model_view",
    "my_readings",
    "my_work",
    "open_projects",
    "pathologists",
    "progress",
    "reader_rows",
    "reading_of",
    "reading_settings",
    "remarks_on",
    "require_adjudicator",
    "require_reader_or_lead",
    "resampling_note",
    "rows_of_slide",
    "scorings",
    "sees_others",
    "slide_states",
    "standing_labels",
    "target_mpp",
    "undo_history",
]
