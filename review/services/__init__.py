"""What this room writes: one verb, one transaction."""

from review.services.alignment import align_pair, correct_alignment
from review.services.counting import (
    MAX_ATTEMPTS,
    ClaimLost,
    claim_score,
    create_score,
    keep_drawn_truth,
    record_counts,
    record_failure,
    record_progress,
    refuse_off_slide,
    refuse_unfinished,
)
from review.services.editing import edit_cell, undo_edit
from review.services.studies import answer_field, close_study, create_study, fill_study
from review.services.verdicts import reopen_verdict, save_draft, sign_verdict

__all__ = [
    "MAX_ATTEMPTS",
    "ClaimLost",
    "align_pair",
    "answer_field",
    "claim_score",
    "close_study",
    "correct_alignment",
    "create_score",
    "create_study",
    "edit_cell",
    "fill_study",
    "keep_drawn_truth",
    "record_counts",
    "record_failure",
    "record_progress",
    "refuse_off_slide",
    "refuse_unfinished",
    "reopen_verdict",
    "save_draft",
    "sign_verdict",
    "undo_edit",
]
