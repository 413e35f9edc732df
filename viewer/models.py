"""Cases and slides, and how slides come in."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Project, validate_stain


class Case(models.Model):
    """One patient's material under a pseudonym. The name is given by the lead and never read from a file."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="cases")
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="case_name_once_per_project")]

    def __str__(self) -> str:
        return self.name


class SlideQuerySet(models.QuerySet["Slide"]):
    def published_or_real(self) -> "SlideQuerySet":
        """Slides that every member may see: real ones, and synthetic ones that are published."""
        return self.filter(models.Q(origin=Slide.Origin.REAL) | models.Q(published_at__isnull=False))


class Slide(models.Model):
    """A whole-slide image in storage. A synthetic slide is a slide like any other, and always says so."""

    class Origin(models.TextChoices):
        REAL = "real", _("real")
        SYNTHETIC = "synthetic", _("synthetic")

    class State(models.TextChoices):
        READY = "ready", _("ready")
        NEEDS_MPP = "needs_mpp", _("needs its resolution (mpp)")

    class Colour(models.TextChoices):
        NATIVE = "native", _("as scanned")
        SRGB = "srgb", _("converted to sRGB")

    class MppSource(models.TextChoices):
        FILE = "file", _("read from the file")
        HAND = "hand", _("supplied by hand")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="slides")
    stain = models.CharField(max_length=16, validators=[validate_stain])
    origin = models.CharField(max_length=9, choices=Origin, default=Origin.REAL)
    drawn = models.BooleanField(default=False, help_text=_("Drawn tissue, or made from drawn tissue."))
    state = models.CharField(max_length=9, choices=State)

    key = models.CharField(
        max_length=200, unique=True, help_text=_("Storage key of the file, or of a folder's main file.")
    )
    folder_key = models.CharField(
        max_length=200, blank=True, help_text=_("Storage prefix when one slide is a folder of files (DICOM, MIRAX).")
    )
    content_sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    format = models.CharField(max_length=40, help_text=_("Who reads it: an OpenSlide vendor, or tiff, png."))
    width_l0 = models.PositiveIntegerField()
    height_l0 = models.PositiveIntegerField()
    mpp = models.FloatField(null=True, blank=True, help_text=_("Micrometres per level-0 pixel."))
    mpp_source = models.CharField(max_length=4, choices=MppSource, blank=True)
    mpp_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    mpp_at = models.DateTimeField(null=True, blank=True)
    served_levels = models.JSONField(
        help_text=_(
            "Levels that tiles are served from, level 0 first: width, height, tile_width, tile_height, downsample."
        )
    )
    version = models.CharField(max_length=12, help_text=_("Part of every tile URL; changes with the pixels served."))
    colour = models.CharField(
        max_length=16,
        choices=Colour,
        default=Colour.NATIVE,
        help_text=_("How its pixels are shown, counted and trained on."),
    )
    colour_profile = models.CharField(
        max_length=80, blank=True, help_text=_("Name of the ICC profile in the file; empty: it carries none.")
    )

    derived_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="derived")
    generator_sha256 = models.CharField(max_length=64, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SlideQuerySet.as_manager()

    class Meta:
        ordering = ["case", "stain", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    origin="real", derived_from__isnull=True, generator_sha256="", published_at__isnull=True
                )
                | (models.Q(origin="synthetic", derived_from__isnull=False) & ~models.Q(generator_sha256="")),
                name="slide_synthetic_names_its_source",
            ),
            models.UniqueConstraint(
                fields=["derived_from", "generator_sha256"],
                condition=models.Q(origin="synthetic"),
                name="slide_one_synthetic_per_source_and_generator",
            ),
            models.CheckConstraint(
                condition=models.Q(state="needs_mpp", mpp__isnull=True, mpp_source="")
                # A comparison with NULL is no refusal to Postgres: NULL has to be excluded by name.
                | models.Q(state="ready", mpp__isnull=False, mpp__gt=0, mpp_source__in=["file", "hand"]),
                name="slide_ready_means_mpp_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(mpp_source="hand") | models.Q(mpp_by__isnull=False, mpp_at__isnull=False),
                name="slide_hand_supplied_mpp_names_who",
            ),
            models.CheckConstraint(
                condition=models.Q(colour="native") | (models.Q(colour="srgb") & ~models.Q(colour_profile="")),
                name="slide_converted_by_its_profile",
            ),
            models.CheckConstraint(condition=models.Q(width_l0__gt=0, height_l0__gt=0), name="slide_has_pixels"),
            models.UniqueConstraint(
                fields=["case", "stain", "content_sha256"], name="slide_content_once_per_case_and_stain"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} · {self.stain_name}" + (" · SYNTHETIC" if self.is_synthetic else "")

    @property
    def is_synthetic(self) -> bool:
        return self.origin == self.Origin.SYNTHETIC

    @property
    def stain_name(self) -> str:
        return {"HE": "H&E", "KI67": "Ki-67"}.get(self.stain, self.stain)

    @property
    def project(self) -> Project:
        """Project of the slide. Causes a query when the case is not loaded."""
        return self.case.project


class SlideTileIndex(models.Model):
    """Where a slide's compressed tiles lie in its files (`imaging.passthrough`), apart from its row."""

    slide = models.OneToOneField(Slide, on_delete=models.CASCADE, primary_key=True, related_name="tile_index")
    rule = models.PositiveSmallIntegerField(help_text=_("Tile rule under which it was made."))
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"tile index of slide {self.slide_id}"


class Upload(models.Model):
    """A resumable upload on its way in (tus 1.0). The file grows beside the database until it is whole."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    case_name = models.CharField(max_length=60)
    stain = models.CharField(max_length=16, validators=[validate_stain])
    suffix = models.CharField(
        max_length=12, help_text=_("File name ending; the name itself is not kept: it may name a patient.")
    )
    mpp = models.FloatField(null=True, blank=True)
    size_bytes = models.BigIntegerField()
    offset_bytes = models.BigIntegerField(default=0)
    slide_import = models.OneToOneField(
        "SlideImport", on_delete=models.SET_NULL, null=True, blank=True, related_name="upload"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(size_bytes__gt=0, offset_bytes__gte=0, offset_bytes__lte=models.F("size_bytes")),
                name="upload_offset_within_size",
            )
        ]

    def __str__(self) -> str:
        return f"upload of {self.size_bytes} bytes for {self.case_name}"


class SlideImport(models.Model):
    """One slide's way from a file to the case, so that its progress and its failure can be seen."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    case_name = models.CharField(max_length=60)
    stain = models.CharField(max_length=16, validators=[validate_stain])
    drawn = models.BooleanField(default=False)
    source_path = models.TextField(
        blank=True, help_text=_("Where the worker finds the file. Never shown, forgotten once the import ends.")
    )
    owns_source = models.BooleanField(default=False, help_text=_("Uploaded: removed once the slide is stored."))
    mpp = models.FloatField(null=True, blank=True)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    progress = models.FloatField(default=0, help_text=_("0 to 1."))
    message = models.TextField(blank=True)
    slide = models.ForeignKey(Slide, on_delete=models.SET_NULL, null=True, blank=True, related_name="imports")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0, help_text=_("Counts claims; only the last one may write."))
    stored_key = models.CharField(
        max_length=200, blank=True, help_text=_("Where this attempt puts the file; the next attempt sweeps it.")
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(progress__gte=0, progress__lte=1), name="import_progress_is_a_share"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running", "done", "failed"]), name="import_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"import into {self.case_name}: {self.get_state_display()}"
