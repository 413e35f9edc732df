"""What goes in and out of the API: field validity, nothing else."""

from django.core.validators import RegexValidator
from rest_framework import serializers

from training.learning.config import PRESETS
from training.models import Dataset, Publication, Run, Split

Slug = RegexValidator(r"^[-\w]+$")


class DatasetRequestSerializer(serializers.Serializer[None]):
    project = serializers.CharField(help_text="The project's slug.", validators=[Slug])
    confirm_no_independent_validation = serializers.BooleanField(
        default=False, help_text="Needed where no case can be held out: held-out patches of training cases validate."
    )
    splits = serializers.DictField(
        child=serializers.ChoiceField(choices=Split.choices),
        required=False,
        help_text="Split by case name, for cases that shall not follow the rule.",
    )
    note = serializers.CharField(default="", allow_blank=True, max_length=2000)


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    project = serializers.SlugRelatedField[Dataset](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Dataset](slug_field="username", read_only=True)
    counts = serializers.DictField(help_text="Slides and patches of each label, by stain and split.")
    splits = serializers.DictField(help_text="Names of the cases by split.")

    class Meta:
        model = Dataset
        fields = [
            "id",
            "project",
            "number",
            "source_stain",
            "target_stain",
            "manifest_sha256",
            "consensus",
            "counts",
            "splits",
            "independent_validation",
            "note",
            "created_by",
            "created_at",
        ]
        read_only_fields = fields


class RunRequestSerializer(serializers.Serializer[None]):
    project = serializers.CharField(help_text="The project's slug.", validators=[Slug])
    kind = serializers.ChoiceField(choices=Run.Kind.choices)
    preset = serializers.ChoiceField(choices=PRESETS, default="paper")
    config = serializers.DictField(required=False, help_text="Keys that overrule the preset's.")
    dataset = serializers.IntegerField(required=False, help_text="For mil and cyclegan.")
    stain = serializers.CharField(required=False, help_text="For mil: the stain that the classifier reads.")
    slide = serializers.IntegerField(required=False, help_text="For synthesis and score.")
    source_classifier_run = serializers.IntegerField(required=False, help_text="For cyclegan and score.")
    target_classifier_run = serializers.IntegerField(required=False, help_text="For cyclegan.")
    generator_run = serializers.IntegerField(required=False, help_text="For synthesis.")


class ChainRequestSerializer(serializers.Serializer[None]):
    project = serializers.CharField(help_text="The project's slug.", validators=[Slug])
    preset = serializers.ChoiceField(choices=PRESETS, default="paper")
    slide = serializers.IntegerField(help_text="The slide to synthesise.")
    dataset = serializers.IntegerField(required=False, help_text="The project's newest when left out.")
    configs = serializers.DictField(
        child=serializers.DictField(), required=False, help_text="Keys that overrule the preset's, by kind of run."
    )
    publish = serializers.BooleanField(default=False, help_text="Publish the synthetic slide at the end.")


class RunSummarySerializer(serializers.ModelSerializer[Run]):
    project = serializers.SlugRelatedField[Run](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Run](slug_field="username", read_only=True)
    progress = serializers.DictField(help_text="step, total, epoch, epochs, message, seconds_left.")

    class Meta:
        model = Run
        fields = [
            "id",
            "uuid",
            "project",
            "kind",
            "status",
            "stain",
            "source_stain",
            "target_stain",
            "dataset",
            "slide",
            "source_classifier_run",
            "target_classifier_run",
            "generator_run",
            "independent_validation",
            "progress",
            "message",
            "created_by",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class CheckpointSerializer(serializers.Serializer[None]):
    epoch = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="Of the file.")
    size_bytes = serializers.IntegerField()
    metrics = serializers.DictField()
    best = serializers.BooleanField(help_text="Chosen by validation.")


class PreviewSerializer(serializers.Serializer[None]):
    epoch = serializers.IntegerField()
    url = serializers.CharField()


class StepSerializer(serializers.Serializer[None]):
    name = serializers.CharField()
    detail = serializers.CharField()
    state = serializers.ChoiceField(choices=["done", "on", "waiting", "failed"])


class PublicationSerializer(serializers.Serializer[Publication]):
    published_by = serializers.CharField()
    published_at = serializers.DateTimeField()
    withdrawn_by = serializers.CharField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class ProductSerializer(serializers.Serializer[None]):
    slide = serializers.IntegerField()
    title = serializers.CharField()
    url = serializers.CharField()
    published = serializers.BooleanField()
    history = PublicationSerializer(many=True)


class RelatedRunSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=Run.Status.choices)
    status_name = serializers.CharField()
    url = serializers.CharField()


class PossibleSerializer(serializers.Serializer[None]):
    cancel = serializers.BooleanField()
    resume = serializers.BooleanField()
    publish = serializers.BooleanField()
    withdraw = serializers.BooleanField()


class RunSerializer(serializers.Serializer[None]):
    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    project = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=Run.Kind.choices)
    kind_name = serializers.CharField()
    stain = serializers.CharField()
    source_stain = serializers.CharField()
    target_stain = serializers.CharField()
    status = serializers.ChoiceField(choices=Run.Status.choices)
    status_name = serializers.CharField()
    cancelling = serializers.BooleanField(help_text="Asked to stop, not stopped yet.")
    silent = serializers.BooleanField(help_text="Its worker has not been heard for too long.")
    attempt = serializers.IntegerField()
    worker = serializers.CharField()
    heartbeat_seconds_ago = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True, help_text="Since this attempt began.")
    progress = serializers.DictField(help_text="step, total, epoch, epochs, message, seconds_left, machine, warnings.")
    message = serializers.CharField(help_text="Why it failed or was skipped, and what to do.")
    log_tail = serializers.CharField()
    report = serializers.DictField()
    independent_validation = serializers.BooleanField()
    config = serializers.DictField(help_text="Every key, defaults filled in.")
    inputs = serializers.DictField(help_text="sha256 of what the run works from.")
    resume_state = serializers.DictField(help_text="epoch and saved_at of the newest full state.")
    checkpoints = CheckpointSerializer(many=True)
    previews = PreviewSerializer(many=True)
    steps = StepSerializer(many=True)
    epochs_measured = serializers.IntegerField(help_text="Grows when metrics/ has something new.")
    product = ProductSerializer(allow_null=True)
    family = RelatedRunSerializer(many=True, help_text="Runs before and after this one, and itself.")
    can = PossibleSerializer()
    note = serializers.CharField(help_text="Why nothing happens to a queued run.")


class MetricsSerializer(serializers.Serializer[None]):
    """Columns of equal length, an epoch at each index."""

    epochs = serializers.ListField(child=serializers.IntegerField())
    series = serializers.DictField(child=serializers.ListField(child=serializers.FloatField(allow_null=True)))


class ReasonSerializer(serializers.Serializer[None]):
    reason = serializers.CharField(max_length=2000, help_text="Why clinicians may no longer use the slide.")
