"""What goes in and out of the API: field validity, nothing else."""

from math import isfinite
from typing import Any

from rest_framework import serializers

from review.models import CellEdit, CellScore, PinKind, Reason, Review

LONGEST_COMMENT = 10_000
MOST_CORNERS = 1000


class ScoreRequestSerializer(serializers.Serializer[None]):
    slide = serializers.IntegerField(min_value=1)
    region = serializers.ListField(
        child=serializers.IntegerField(),
        min_length=4,
        max_length=4,
        required=False,
        allow_null=True,
        help_text="[x, y, width, height] in level-0 pixels; the whole slide without it.",
    )
    pair = serializers.BooleanField(
        default=False,
        help_text="Of a synthetic slide: count the real slide of its case first, then this one in the same way.",
    )


class SensitivitySerializer(serializers.Serializer[None]):
    dab_threshold = serializers.FloatField()
    ratio = serializers.FloatField(allow_null=True)


class TallySerializer(serializers.Serializer[None]):
    positive = serializers.IntegerField()
    negative = serializers.IntegerField()
    cells = serializers.IntegerField()
    ratio = serializers.FloatField(allow_null=True)
    interval = serializers.ListField(child=serializers.FloatField(), allow_null=True, help_text="Wilson 95 %.")
    edits = serializers.IntegerField(help_text="How many edits it rests on.")


class ScoreSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    slide = serializers.IntegerField()
    region = serializers.ListField(child=serializers.IntegerField(), allow_null=True)
    state = serializers.ChoiceField(choices=CellScore.State.choices)
    progress = serializers.FloatField(help_text="0 to 1.")
    message = serializers.CharField(help_text="Why it failed, or what a reader of the number must know.")
    positive = serializers.IntegerField(allow_null=True)
    negative = serializers.IntegerField(allow_null=True)
    cells = serializers.IntegerField(allow_null=True)
    ratio = serializers.FloatField(allow_null=True, help_text="Positive of all cells, 0 to 1; null without cells.")
    interval = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Wilson 95 %: [low, high]."
    )
    grade = serializers.ChoiceField(choices=["G1", "G2", "G3"], allow_null=True, help_text="Only for Ki-67.")
    grade_note = serializers.CharField(help_text="Says when the interval spans a cut-off.")
    sensitivity = SensitivitySerializer(many=True)
    parameters = serializers.DictField(help_text="All that the counter was told, and its version.")
    calibrated_on = serializers.IntegerField(
        allow_null=True, help_text="The slide whose white point and thresholds were applied."
    )
    slide_interval = serializers.ListField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="Whole slide: block bootstrap, 95 %.",
    )
    reader = TallySerializer(allow_null=True, help_text="After the readers' edits; null while nobody has edited.")
    enough_cells = serializers.BooleanField()
    least_cells = serializers.IntegerField(help_text="The project's minimum for a ratio without a warning.")
    created_at = serializers.DateTimeField()


class CellsSerializer(serializers.Serializer[None]):
    """Columns of equal length, a cell at each index, from top to bottom."""

    count = serializers.IntegerField(help_text="Cells in the window.")
    capped = serializers.BooleanField(help_text="Fewer cells are listed than the window holds, evenly spread over it.")
    x = serializers.ListField(child=serializers.FloatField(), help_text="Level-0 pixels, pixel centres.")
    y = serializers.ListField(child=serializers.FloatField())
    area_um2 = serializers.ListField(child=serializers.FloatField())
    dab = serializers.ListField(child=serializers.FloatField(), help_text="Mean DAB optical density.")
    positive = serializers.ListField(child=serializers.BooleanField())


class CellWindowSerializer(serializers.Serializer[None]):
    x = serializers.FloatField(help_text="Level-0 pixels.")
    y = serializers.FloatField()
    width = serializers.FloatField(min_value=0)
    height = serializers.FloatField(min_value=0)


class CellEditSerializer(serializers.Serializer[None]):
    """One change of one cell. `seen` is the last edit of that cell on the reader's screen."""

    uuid = serializers.UUIDField(help_text="Named by the client; a repeat gets the first answer.")
    action = serializers.ChoiceField(choices=CellEdit.Action.choices)
    x = serializers.FloatField(required=False, help_text="Of an added cell, level-0 pixels.")
    y = serializers.FloatField(required=False)
    positive = serializers.BooleanField(required=False, allow_null=True, default=None, help_text="Of an added cell.")
    cell = serializers.IntegerField(
        min_value=0, required=False, allow_null=True, help_text="Row number of a counted cell to remove or flip."
    )
    seen = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    edit = serializers.IntegerField(min_value=1, required=False, help_text="Undo: the edit to take back.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["action"] == CellEdit.Action.UNDO and "edit" not in attrs:
            raise serializers.ValidationError({"edit": "An undo names the edit that it takes back."})
        return attrs


class EditRowSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    action = serializers.ChoiceField(choices=CellEdit.Action.choices)
    cell = serializers.IntegerField(allow_null=True, help_text="Row number of the counted cell; null: it was added.")
    x = serializers.FloatField()
    y = serializers.FloatField()
    present = serializers.BooleanField(help_text="Whether the cell counts now.")
    positive = serializers.BooleanField()
    undoes = serializers.IntegerField(allow_null=True)
    reader = serializers.CharField()
    created_at = serializers.DateTimeField()


class EditAnswerSerializer(serializers.Serializer[None]):
    edit = EditRowSerializer()
    score = ScoreSerializer(help_text="With the counts, interval and grade as they are now.")


class CornersField(serializers.CharField):
    """Corners of a region: x,y x,y x,y …"""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            corners = [(float(x), float(y)) for x, y in (corner.split(",") for corner in text.split())]
        except ValueError as error:
            raise serializers.ValidationError("Expected corners as x,y x,y x,y, separated by spaces.") from error
        if not all(isfinite(value) for corner in corners for value in corner):
            raise serializers.ValidationError("Expected corners as numbers of pixels.")
        if len(corners) > MOST_CORNERS:
            raise serializers.ValidationError(f"{len(corners)} corners; at most {MOST_CORNERS} are taken.")
        return corners


class SummaryQuerySerializer(serializers.Serializer[None]):
    scope = serializers.ChoiceField(choices=["all", "tumor", "region"], default="all")
    corners = CornersField(required=False, help_text="Of a region: x,y x,y x,y … in level-0 pixels.")


class ExtentQuerySerializer(serializers.Serializer[None]):
    extent = serializers.ChoiceField(choices=["tumor", "region"])
    corners = CornersField(
        default=list,  # type: ignore[arg-type]  # what its text is read as
        allow_blank=True,
        help_text="Of a region: x,y x,y x,y … on the source slide, level-0 pixels.",
    )


class SummarySerializer(serializers.Serializer[None]):
    scope = serializers.CharField()
    machine = TallySerializer()
    reader = TallySerializer()


class WindowQuerySerializer(serializers.Serializer[None]):
    x = serializers.FloatField(help_text="Middle of the window on the source slide, level-0 pixels.")
    y = serializers.FloatField()
    side_um = serializers.FloatField(min_value=10)


class AlignmentPointsSerializer(serializers.Serializer[None]):
    fixed = serializers.IntegerField(min_value=1, help_text="Id of the source slide.")
    moving = serializers.IntegerField(min_value=1, help_text="Id of the real slide.")
    points = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=4, max_length=4),
        min_length=2,
        max_length=20,
        help_text="[[x, y, x', y'], …]: the same places on both, level-0 pixels.",
    )
    seen = serializers.IntegerField(required=False, allow_null=True, default=None, help_text="Version on the screen.")


class PinSerializer(serializers.Serializer[None]):
    x = serializers.FloatField(help_text="Level-0 pixels of the synthetic slide.")
    y = serializers.FloatField()
    kind = serializers.ChoiceField(choices=PinKind.choices)
    note = serializers.CharField(default="", allow_blank=True, max_length=500)


class JudgementSerializer(serializers.Serializer[None]):
    """What a draft and a signed verdict have in common."""

    reasons = serializers.ListField(child=serializers.ChoiceField(choices=Reason.choices), default=list, max_length=20)
    confidence = serializers.IntegerField(min_value=1, max_value=5, default=None, allow_null=True)
    pins = PinSerializer(many=True, default=list)
    window = WindowQuerySerializer(default=None, allow_null=True)
    comment = serializers.CharField(default="", allow_blank=True, max_length=LONGEST_COMMENT)


class DraftSerializer(JudgementSerializer):
    slide = serializers.IntegerField(min_value=1)
    verdict = serializers.ChoiceField(choices=Review.Verdict.choices, default="", allow_blank=True)
    seen = serializers.IntegerField(required=False, allow_null=True, default=None, help_text="Revision on the screen.")


class ReopenSerializer(serializers.Serializer[None]):
    reason = serializers.CharField(max_length=2000)


class StudyAnswerSerializer(serializers.Serializer[None]):
    code = serializers.CharField(max_length=32)
    says_synthetic = serializers.BooleanField()
    confidence = serializers.IntegerField(min_value=1, max_value=5)
    milliseconds = serializers.IntegerField(min_value=0, max_value=86_400_000, default=None, allow_null=True)


class VerdictSerializer(JudgementSerializer):
    slide = serializers.IntegerField(min_value=1)
    uuid = serializers.UUIDField(required=False, help_text="Named by the client, so that signing twice signs once.")
    verdict = serializers.ChoiceField(
        choices=Review.Verdict.choices,
        error_messages={
            "invalid_choice": f"“{{input}}” is no verdict; expected one of {', '.join(Review.Verdict.values)}."
        },
    )


class ReviewSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    reader = serializers.CharField()
    verdict = serializers.ChoiceField(choices=Review.Verdict.choices)
    verdict_name = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    confidence = serializers.IntegerField(allow_null=True)
    pins = PinSerializer(many=True)
    window = WindowQuerySerializer(allow_null=True)
    counts = serializers.DictField(help_text="The numbers at the moment of signing.")
    comment = serializers.CharField()
    round = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    reopened = serializers.DictField(allow_null=True, help_text="Who took it up again, when and why.")
