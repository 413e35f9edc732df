"""Readings, agreement and adjudication in and out of the API."""

from typing import Any

from rest_framework import serializers

from annotation.models import Adjudication, Label, Reading, ReadingSettings


class ReadingSettingsSerializer(serializers.ModelSerializer[ReadingSettings]):
    class Meta:
        model = ReadingSettings
        fields = ["consensus", "double_share", "double_seed", "blinded", "assigned_only"]


class ReadingSerializer(serializers.ModelSerializer[Reading]):
    reader = serializers.CharField(source="reader.username")
    reviewed_by = serializers.CharField(source="reviewed_by.username", default=None, allow_null=True)

    class Meta:
        model = Reading
        fields = ["id", "slide", "reader", "part", "assigned_at", "done_at", "reviewed_at", "reviewed_by"]


class AssignmentSerializer(serializers.Serializer[None]):
    slide = serializers.IntegerField(min_value=1)
    reader = serializers.CharField(help_text="The user name of a pathologist of the project.")
    part = serializers.ChoiceField(choices=Reading.Part.choices, default=Reading.Part.ALL.value)


class ReadingStateSerializer(serializers.Serializer[None]):
    state = serializers.ChoiceField(choices=["open", "done", "reviewed"])


class AdjudicationDecisionSerializer(serializers.Serializer[None]):
    value = serializers.ChoiceField(choices=Label.choices)
    uuid = serializers.UUIDField()
    label_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1), allow_empty=False, help_text="The readers' labels on screen."
    )
    seen = serializers.IntegerField(allow_null=True, min_value=1, help_text="Id of the decision on screen, if any.")
    comment = serializers.CharField(default="", allow_blank=True, max_length=2000)


class AdjudicationSerializer(serializers.ModelSerializer[Adjudication]):
    adjudicator = serializers.CharField(source="adjudicator.username")

    class Meta:
        model = Adjudication
        fields = ["id", "patch", "adjudicator", "value", "label_ids", "comment", "created_at"]


class AgreementSerializer(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=["all", "stain", "case"])
    group = serializers.CharField(help_text="The stain or case; empty for all.")
    measure = serializers.ChoiceField(choices=["cohen", "fleiss"])
    readers = serializers.ListField(child=serializers.CharField())
    kappa = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="95 % bootstrap interval.")
    high = serializers.FloatField(allow_null=True)
    patches = serializers.IntegerField()
    agreed = serializers.IntegerField()
    drawn = serializers.ChoiceField(choices=["patch", "slide"], help_text="What the bootstrap drew.")
    left_out = serializers.IntegerField(required=False, help_text="Patches that fewer or more readers labelled.")


class GivenLabelSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    reader = serializers.CharField()
    value = serializers.ChoiceField(choices=Label.choices)


class DecisionSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    value = serializers.ChoiceField(choices=Label.choices)
    by = serializers.CharField()
    comment = serializers.CharField()
    outdated = serializers.BooleanField(help_text="A reader has changed a label since.")


class DisagreementSerializer(serializers.Serializer[Any]):
    patch = serializers.IntegerField()
    column = serializers.IntegerField()
    row = serializers.IntegerField()
    x = serializers.IntegerField()
    y = serializers.IntegerField()
    size = serializers.IntegerField()
    labels = GivenLabelSerializer(many=True)
    decision = DecisionSerializer(allow_null=True)
