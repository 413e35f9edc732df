"""The JSON of projects, cases, slides and imports: field names and validity, nothing else."""

from typing import Any

from rest_framework import serializers

from accounts.models import Project, validate_stain
from viewer.models import Case, Slide, SlideImport


class ProjectSerializer(serializers.ModelSerializer[Project]):
    roles = serializers.ListField(child=serializers.CharField(), help_text="Your roles in it.")
    can = serializers.ListField(child=serializers.CharField(), help_text="What you may do in it.")

    class Meta:
        model = Project
        fields = [
            "id",
            "slug",
            "name",
            "description",
            "source_stain",
            "target_stain",
            "drawn_tissue",
            "roles",
            "can",
        ]


class CaseSerializer(serializers.ModelSerializer[Case]):
    project = serializers.SlugField(source="project.slug")

    class Meta:
        model = Case
        fields = ["id", "project", "name", "created_at"]


class ServedLevelSerializer(serializers.Serializer[dict[str, Any]]):
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    tile_width = serializers.IntegerField()
    tile_height = serializers.IntegerField()
    downsample = serializers.FloatField(help_text="Level-0 pixels per pixel of this level.")


class SlideSummarySerializer(serializers.Serializer[dict[str, Any]]):
    """A slide in a list."""

    id = serializers.IntegerField()
    project = serializers.SlugField()
    case = serializers.CharField()
    case_id = serializers.IntegerField()
    title = serializers.CharField()
    stain = serializers.CharField()
    stain_name = serializers.CharField()
    synthetic = serializers.BooleanField()
    derived_from = serializers.IntegerField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)
    drawn = serializers.BooleanField(help_text="Drawn tissue: nothing in it is a patient.")
    state = serializers.CharField(help_text="ready or needs_mpp.")
    format = serializers.CharField()
    size_bytes = serializers.IntegerField()
    content_sha256 = serializers.CharField()
    width = serializers.IntegerField(help_text="Level-0 pixels.")
    height = serializers.IntegerField(help_text="Level-0 pixels.")
    mpp = serializers.FloatField(allow_null=True, help_text="Micrometres per level-0 pixel.")
    mpp_source = serializers.CharField(allow_blank=True, help_text="file, hand or empty.")
    mpp_note = serializers.CharField(allow_blank=True)
    version = serializers.CharField()
    colour = serializers.CharField(help_text="native or srgb: how its pixels are shown, counted and trained on.")
    colour_note = serializers.CharField()
    thumbnail_url = serializers.CharField()
    open_url = serializers.CharField()


class SlideSerializer(SlideSummarySerializer):
    """A slide with all that a viewer needs."""

    tile_url = serializers.CharField(
        help_text="{level}, {col} and {row} are to be filled in; asks for the cookie of open_url."
    )
    levels = ServedLevelSerializer(many=True)
    token_seconds = serializers.IntegerField()
    resampled_note = serializers.CharField(allow_blank=True)


class MppSerializer(serializers.Serializer[dict[str, Any]]):
    mpp = serializers.FloatField(help_text="Micrometres per level-0 pixel.")


class ColourSerializer(serializers.Serializer[dict[str, Any]]):
    colour = serializers.ChoiceField(choices=Slide.Colour.choices, help_text="As scanned, or converted to sRGB.")


class OpenedSerializer(serializers.Serializer[dict[str, Any]]):
    token_seconds = serializers.IntegerField(help_text="How long the tile cookie of this answer lasts.")


class ImportSerializer(serializers.ModelSerializer[SlideImport]):
    """An import as people see it. Where the file came from is not part of it: its name may name a patient."""

    project = serializers.SlugField(source="project.slug")
    case = serializers.CharField(source="case_name")
    state = serializers.CharField(help_text="queued, running, done or failed.")
    state_name = serializers.CharField(source="get_state_display")
    slide = serializers.IntegerField(source="slide_id", allow_null=True)
    created_by = serializers.CharField(source="created_by.username", default="")

    class Meta:
        model = SlideImport
        fields = [
            "id",
            "project",
            "case",
            "stain",
            "drawn",
            "state",
            "state_name",
            "progress",
            "message",
            "slide",
            "created_at",
            "created_by",
        ]


class ImportRequestSerializer(serializers.Serializer[dict[str, Any]]):
    project = serializers.SlugField()
    case = serializers.CharField(max_length=60)
    stain = serializers.CharField(max_length=16, validators=[validate_stain])
    path = serializers.CharField(help_text="A file or folder on the server, below one of its import folders.")
    mpp = serializers.FloatField(required=False, allow_null=True, default=None)
    drawn = serializers.BooleanField(required=False, default=False)


class UploadRequestSerializer(serializers.Serializer[dict[str, Any]]):
    """What the Upload-Metadata header of a new upload says."""

    project = serializers.SlugField()
    case = serializers.CharField(max_length=60)
    stain = serializers.CharField(max_length=16, validators=[validate_stain])
    suffix = serializers.CharField(max_length=12)
    mpp = serializers.FloatField(required=False, allow_null=True, default=None)
