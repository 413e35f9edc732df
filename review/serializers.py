"""What goes in and out of the API: field validity, nothing else."""

from rest_framework import serializers

from review.models import CellScore, Review

LONGEST_COMMENT = 10_000


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


class VerdictSerializer(serializers.Serializer[None]):
    slide = serializers.IntegerField(min_value=1)
    verdict = serializers.ChoiceField(
        choices=Review.Verdict.choices,
        error_messages={
            "invalid_choice": f"“{{input}}” is no verdict; expected one of {', '.join(Review.Verdict.values)}."
        },
    )
    comment = serializers.CharField(default="", allow_blank=True, max_length=LONGEST_COMMENT)


class ReviewSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    reader = serializers.CharField()
    verdict = serializers.ChoiceField(choices=Review.Verdict.choices)
    verdict_name = serializers.CharField()
    comment = serializers.CharField()
    created_at = serializers.DateTimeField()
