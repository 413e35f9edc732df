"""Patches, labels, readings and files of labels over HTTP."""

from annotation.api.files import LabelExport, LabelImport
from annotation.api.labels import (
    PatchLabel,
    PatchLabelHistory,
    PatchList,
    PatchOverrules,
    PatchRemarks,
    SlideLabelling,
    SlideLabels,
    SlideModelView,
    SlideTissue,
)
from annotation.api.reading import (
    Agreement,
    Disagreements,
    FinishSlide,
    OneReading,
    PatchAdjudication,
    ReadingRules,
    Readings,
)

__all__ = [
    "Agreement",
    "Disagreements",
    "FinishSlide",
    "LabelExport",
    "LabelImport",
    "OneReading",
    "PatchAdjudication",
    "PatchLabel",
    "PatchLabelHistory",
    "PatchList",
    "PatchOverrules",
    "PatchRemarks",
    "ReadingRules",
    "Readings",
    "SlideLabelling",
    "SlideLabels",
    "SlideModelView",
    "SlideTissue",
]
