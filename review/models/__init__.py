"""Counts, edits, alignments, verdicts and blinded studies."""

from review.models.alignments import Alignment
from review.models.edits import CellEdit
from review.models.scores import CellScore, DrawnTruth, ScoringSettings
from review.models.studies import Study, StudyAnswer, StudyField
from review.models.verdicts import PinKind, Reason, Review, VerdictDraft, VerdictReopening

__all__ = [
    "Alignment",
    "CellEdit",
    "CellScore",
    "DrawnTruth",
    "PinKind",
    "Reason",
    "Review",
    "ScoringSettings",
    "Study",
    "StudyAnswer",
    "StudyField",
    "VerdictDraft",
    "VerdictReopening",
]
