"""What a labelling page gets."""

from rest_framework import serializers

from annotation.models import Label, Reading
from annotation.serializers.labels import LabelCountsSerializer


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
    by_otsu = serializers.BooleanField(help_text="What the threshold says; a person may have overruled it.")
    asked = serializers.BooleanField(help_text="The asking reader is to label it.")
    flagged = serializers.BooleanField(help_text="Flagged for discussion.")
    label = serializers.ChoiceField(  # type: ignore[assignment]  # our name for the field shadows an option of DRF's
        choices=Label.choices, allow_null=True, help_text="The asking reader's own label."
    )
    label_id = serializers.IntegerField(allow_null=True, help_text="Send it as `seen` with the next decision.")


class ChangeSerializer(serializers.Serializer[None]):
    patch = serializers.IntegerField()
    before = serializers.ChoiceField(choices=Label.choices, allow_null=True)
    after = serializers.ChoiceField(choices=Label.choices, allow_null=True)


class UndoStepSerializer(serializers.Serializer[None]):
    kind = serializers.ChoiceField(choices=["label", "tissue"])
    step = serializers.UUIDField()
    changes = ChangeSerializer(many=True, required=False, help_text="Of labels.")
    patches = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="That were brought in or left out."
    )
    offered = serializers.BooleanField(required=False, help_text="They were brought in.")


class UndoHistorySerializer(serializers.Serializer[None]):
    undo = UndoStepSerializer(many=True)
    redo = UndoStepSerializer(many=True)


class CheckpointSerializer(serializers.Serializer[None]):
    sha256 = serializers.CharField()
    name = serializers.CharField(allow_blank=True, help_text="Which run and epoch it is of.")


class OwnReadingSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    part = serializers.ChoiceField(choices=Reading.Part.choices)
    done = serializers.BooleanField()
    reviewed = serializers.BooleanField()


class LabellingSerializer(serializers.Serializer[None]):
    slide = serializers.DictField(help_text="As `slides/{id}/` describes it, for the viewer.")
    grid = LabellingGridSerializer()
    patches = LabellingPatchSerializer(many=True)
    order = serializers.CharField()
    queue = serializers.ListField(
        child=serializers.IntegerField(), help_text="Patches to label, in the order asked for."
    )
    steps = UndoHistorySerializer(help_text="What the reader can undo and redo, the next one last.")
    blinded = serializers.BooleanField(help_text="Readers work apart: neither others' labels nor a model's are shown.")
    checkpoints = CheckpointSerializer(many=True, help_text="Those that have scored the slide, the newest last.")
    reading = OwnReadingSerializer(allow_null=True)
    counts = LabelCountsSerializer()
    can_label = serializers.BooleanField()
    can_overrule = serializers.BooleanField()
    reader = serializers.CharField()
    label_url = serializers.CharField()


class ModelScoreSerializer(serializers.Serializer[None]):
    patch = serializers.IntegerField()
    probability = serializers.FloatField(help_text="Largest tumour probability of an instance, 0 to 1.")
    best_x = serializers.IntegerField(help_text="Level-0 pixels of the selected instance's corner.")
    best_y = serializers.IntegerField(help_text="Level-0 pixels.")
    instances = serializers.CharField(help_text="Base64, row by row, one byte an instance: 0 to 254, 255 not scored.")


class ModelViewSerializer(serializers.Serializer[None]):
    checkpoint = serializers.CharField()
    checkpoints = serializers.ListField(child=serializers.CharField())
    instances_across = serializers.IntegerField()
    patches = ModelScoreSerializer(many=True)
