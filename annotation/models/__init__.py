"""Large patches, the weak labels that pathologists give them, and who reads what."""

from annotation.models.grids import GridSettings, LargePatch, Overrule, SlideGrid
from annotation.models.labels import ORDER_PATTERN, Label, Remark, WeakLabel
from annotation.models.predictions import PatchPrediction, Scoring
from annotation.models.reading import Adjudication, Reading, ReadingSettings

__all__ = [
    "ORDER_PATTERN",
    "Adjudication",
    "GridSettings",
    "Label",
    "LargePatch",
    "Overrule",
    "PatchPrediction",
    "Reading",
    "ReadingSettings",
    "Remark",
    "Scoring",
    "SlideGrid",
    "WeakLabel",
]
