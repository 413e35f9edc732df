"""Patches, labels and remarks in and out of the API: field validity, nothing else."""

from typing import Any

from rest_framework import serializers

from annotation.models import ORDER_PATTERN, Label, LargePatch, Overrule, Remark, WeakLabel


class PatchSerializer(serializers.ModelSerializer[LargePatch]):
    class Meta:
        model = LargePatch
        fields = ["id", "slide", "column", "row", "x_l0", "y_l0", "size_l0", "tissue_share", "offered", "by_otsu"]


class HowSerializer(serializers.Serializer[None]):
    """How a decision was made."""

    milliseconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, help_text="From patch drawn to decision."
    )
    route = serializers.ChoiceField(
        choices=[choice for choice in WeakLabel.Route.choices if choice[0] in ("key", "mouse", "touch", "api")],
        default=WeakLabel.Route.API.value,
        help_text="How the decision was entered.",
    )
    act = serializers.ChoiceField(
        choices=WeakLabel.Act.choices,
        default=WeakLabel.Act.LABEL.value,
        help_text="An undo or redo takes the standing label of its step back to what stood before it.",
    )
    step = serializers.UUIDField(
        required=False, allow_null=True, help_text="Names the step that is undone or redone: the first label's uuid."
    )
    order = serializers.RegexField(
        ORDER_PATTERN, default="position", help_text="In which order the reader was shown the patches."
    )
    decided_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="By the reader's own clock; the order of labels never rests on it."
    )


class PatchDecisionSerializer(serializers.Serializer[None]):
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


class LabelDecisionSerializer(PatchDecisionSerializer, HowSerializer):
    """One decision on one patch."""


class StepWriteSerializer(PatchDecisionSerializer):
    patch = serializers.IntegerField(min_value=1)


class StepSerializer(HowSerializer):
    """One decision on many patches."""

    step = serializers.UUIDField(help_text="Names the step: undo and redo send it again.")
    writes = StepWriteSerializer(many=True, allow_empty=False)


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
        fields = [
            "id", "patch", "reader", "value", "uuid", "replaces", "milliseconds", "route", "act", "step", "order",
            "decided_at", "created_at",
        ]  # fmt: skip


class LabelAnswerSerializer(serializers.ModelSerializer[WeakLabel]):
    class Meta:
        model = WeakLabel
        fields = ["id", "patch", "value", "created_at"]


class StepAnswerSerializer(serializers.Serializer[dict[str, Any]]):
    labels = LabelAnswerSerializer(many=True, help_text="In the order in which they were sent.")


class CurrentLabelSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    value = serializers.ChoiceField(choices=Label.choices, allow_null=True)


class LabelConflictExtraSerializer(serializers.Serializer[None]):
    current = CurrentLabelSerializer(allow_null=True)


class LabelConflictSerializer(serializers.Serializer[None]):
    message = serializers.CharField()
    extra = LabelConflictExtraSerializer()


class PatchConflictSerializer(serializers.Serializer[None]):
    patch = serializers.IntegerField()
    current = CurrentLabelSerializer(allow_null=True)


class StepConflictExtraSerializer(serializers.Serializer[None]):
    conflicts = PatchConflictSerializer(many=True)


class StepConflictSerializer(serializers.Serializer[None]):
    message = serializers.CharField()
    extra = StepConflictExtraSerializer()


class NewRemarkSerializer(serializers.Serializer[None]):
    kind = serializers.ChoiceField(choices=Remark.Kind.choices)
    uuid = serializers.UUIDField(help_text="Named by the client: a repeat returns the first remark.")
    text = serializers.CharField(default="", allow_blank=True, max_length=2000)


class RemarkSerializer(serializers.ModelSerializer[Remark]):
    author = serializers.CharField(source="author.username")

    class Meta:
        model = Remark
        fields = ["id", "patch", "author", "kind", "text", "uuid", "created_at"]


class OverruleSerializer(serializers.Serializer[None]):
    patches = serializers.ListField(child=serializers.IntegerField(min_value=1), allow_empty=False, max_length=20_000)
    offered = serializers.BooleanField(help_text="True brings the patches in, false leaves them out.")
    uuid = serializers.UUIDField(
        required=False, help_text="Named by the client, once per decision: a repeat changes nothing more."
    )
    act = serializers.ChoiceField(choices=Overrule.Act.choices, default=Overrule.Act.OVERRULE.value)
    step = serializers.UUIDField(
        required=False, allow_null=True, help_text="Names what is undone together; undo and redo send it again."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["act"] != Overrule.Act.OVERRULE and attrs.get("step") is None:
            raise serializers.ValidationError({"step": ["An undo or redo names its step."]})
        return attrs


class OverruledSerializer(serializers.Serializer[None]):
    changed = serializers.ListField(child=serializers.IntegerField(), help_text="Those that were not so already.")


class OverruleRowSerializer(serializers.ModelSerializer[Overrule]):
    """One decision about the threshold, in a patch's history."""

    by = serializers.CharField(source="by.username")

    class Meta:
        model = Overrule
        fields = ["id", "patch", "by", "offered", "act", "step", "uuid", "created_at"]


class StandingTissueSerializer(serializers.Serializer[None]):
    patch = serializers.IntegerField()
    offered = serializers.BooleanField()
    by = serializers.CharField(allow_null=True, help_text="Who had the last word; null: the threshold.")


class OverruleConflictExtraSerializer(serializers.Serializer[None]):
    conflicts = StandingTissueSerializer(many=True)


class OverruleConflictSerializer(serializers.Serializer[None]):
    message = serializers.CharField()
    extra = OverruleConflictExtraSerializer()
