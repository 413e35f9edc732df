"""What an import of labels answers."""

from typing import Any

from rest_framework import serializers

KINDS = ["new", "changed", "flag", "unflag", "comment", "other_reader", "only_here"]


class DifferenceSerializer(serializers.Serializer[None]):
    kind = serializers.ChoiceField(choices=KINDS)
    where = serializers.CharField(help_text="Where in the file.")
    slide = serializers.IntegerField(allow_null=True)
    column = serializers.IntegerField(allow_null=True)
    row = serializers.IntegerField(allow_null=True)
    x_l0 = serializers.IntegerField()
    y_l0 = serializers.IntegerField()
    reader = serializers.CharField()
    before = serializers.CharField(allow_null=True, help_text="The label that stands here.")
    after = serializers.CharField(allow_null=True, help_text="What the file says.")
    text = serializers.CharField(help_text="A comment that is not here yet.")


class ComparisonSerializer(serializers.Serializer[dict[str, Any]]):
    dry_run = serializers.BooleanField()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="How many rows of each kind.")
    differences = DifferenceSerializer(many=True)
    refusals = serializers.ListField(child=serializers.CharField(), help_text="Rows that cannot be taken, and why.")
