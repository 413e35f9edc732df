"""What goes in and out of the API: field validity, nothing else."""

from annotation.serializers.files import ComparisonSerializer
from annotation.serializers.labels import (
    LabelAnswerSerializer,
    LabelConflictSerializer,
    LabelDecisionSerializer,
    LabelSerializer,
    NewRemarkSerializer,
    OverruleConflictSerializer,
    OverruledSerializer,
    OverruleRowSerializer,
    OverruleSerializer,
    PatchSerializer,
    RemarkSerializer,
    StepAnswerSerializer,
    StepConflictSerializer,
    StepSerializer,
)
from annotation.serializers.payload import LabellingSerializer, ModelViewSerializer
from annotation.serializers.reading import (
    AdjudicationDecisionSerializer,
    AdjudicationSerializer,
    AgreementSerializer,
    AssignmentSerializer,
    DisagreementSerializer,
    ReadingSerializer,
    ReadingSettingsSerializer,
    ReadingStateSerializer,
)

__all__ = [
    "AdjudicationDecisionSerializer",
    "AdjudicationSerializer",
    "AgreementSerializer",
    "AssignmentSerializer",
    "ComparisonSerializer",
    "DisagreementSerializer",
    "LabelAnswerSerializer",
    "LabelConflictSerializer",
    "LabelDecisionSerializer",
    "LabelSerializer",
    "LabellingSerializer",
    "ModelViewSerializer",
    "NewRemarkSerializer",
    "OverruleConflictSerializer",
    "OverruleRowSerializer",
    "OverruleSerializer",
    "OverruledSerializer",
    "PatchSerializer",
    "ReadingSerializer",
    "ReadingSettingsSerializer",
    "ReadingStateSerializer",
    "RemarkSerializer",
    "StepAnswerSerializer",
    "StepConflictSerializer",
    "StepSerializer",
]
