"""What goes in and out of the API: field validity, nothing else."""

from typing import Any

from rest_framework import serializers

from annotation.models import Label, LargePatch, WeakLabel


class PatchSerializer(serializers.ModelSerializer[LargePatch]):
    class Meta:
        model = LargePatch
        fields = ["id", "slide", "column", "row", "x_l0", "y_l0", "size_l0", "tissue_share", "offered"]


class LabelDecisionSerializer(serializers.Serializer[None]):
    value = serializers.ChoiceField(
        choices=Label.choices,
        allow_null=True,
        error_messages={
            "invalid_choice": f"“{{input}}” is no label; expected {', '.join(Label.values)}, or null to withdraw."
        },
        help_text="What the reader says; null withdraws the label that stands.",
    )
    uuid = serializers.UUIDField(help_text="Named by the client, once per decision: a repeat returns the first answer.")
    seen = serializers.IntegerField(
        allow_null=True, min_value=1, help_text="Id of the reader's label on screen; null if there was none."
    )
    milliseconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, help_text="From patch drawn to decision."
    )
    route = serializers.ChoiceField(
        choices=[choice for choice in WeakLabel.Route.choices if choice[0] != WeakLabel.Route.DEMO],
        default=WeakLabel.Route.API.value,
        help_text="How the decision was entered.",
    )


class LabelCountsSerializer(serializers.Serializer[dict[str, int]]):
    tumor = serializers.IntegerField()
    normal = serializers.IntegerField()
    unsure = serializers.IntegerField()
    exclude = serializers.IntegerField()
    left = serializers.IntegerField(help_text="Offered patches that the reader has no label on.")
    total = serializers.IntegerField(help_text="Offered patches.")


class LabelSerializer(serializers.ModelSerializer[WeakLabel]):
    """One row of a patch's history."""

    reader = serializers.CharField(source="reader.username")

    class Meta:
        model = WeakLabel
        fields = ["id", "patch", "reader", "value", "uuid", "replaces", "milliseconds", "route", "created_at"]


class LabelAnswerSerializer(serializers.Serializer[dict[str, Any]]):
    id = serializers.IntegerField()
    patch = serializers.IntegerField()
    value = serializers.ChoiceField(choices=Label.choices, allow_null=True)
    created_at = serializers.DateTimeField()
    counts = LabelCountsSerializer()


class CurrentLabelSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    value = serializers.ChoiceField(choices=Label.choices, allow_null=True)


class LabelConflictExtraSerializer(serializers.Serializer[None]):
    current = CurrentLabelSerializer(allow_null=True)


class LabelConflictSerializer(serializers.Serializer[None]):
    message = serializers.CharField()
    extra = LabelConflictExtraSerializer()


class LabellingGridSerializer(serializers.Serializer[None]):
    columns = serializers.IntegerField()
    rows = serializers.IntegerField()
    size_l0 = serializers.IntegerField(help_text="Side of a patch in level-0 pixels of this slide.")
    otsu_threshold = serializers.FloatField()
    target_mpp = serializers.FloatField()
    patch_px = serializers.IntegerField()
    resampled = serializers.BooleanField()
    note = serializers.CharField(help_text="Why the slide has nothing to label, if so.")


class LabellingPatchSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    column = serializers.IntegerField()
    row = serializers.IntegerField()
    x = serializers.IntegerField(help_text="Level-0 pixels.")
    y = serializers.IntegerField(help_text="Level-0 pixels.")
    size = serializers.IntegerField(help_text="Level-0 pixels.")
    tissue_share = serializers.FloatField()
    offered = serializers.BooleanField()
    label = serializers.ChoiceField(  # type: ignore[assignment]  # our name for the field shadows an option of DRF's
        choices=Label.choices, allow_null=True, help_text="The asking reader's own label."
    )
    label_id = serializers.IntegerField(allow_null=True, help_text="Send it as `seen` with the next decision.")


class LabellingSerializer(serializers.Serializer[None]):
    slide = serializers.DictField(help_text="As `slides/{id}/` describes it, for the viewer.")
    grid = LabellingGridSerializer()
    patches = LabellingPatchSerializer(many=True)
    counts = LabelCountsSerializer()
    can_label = serializers.BooleanField()
    reader = serializers.CharField()
    label_url = serializers.CharField()
