"""Supply a resolution; take in, publish and withdraw synthetic slides."""

from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from viewer.imaging.colour import profile_name
from viewer.imaging.indexing import index_slide
from viewer.imaging.slides import open_slide
from viewer.imaging.tiles import ServedLevel, slide_version
from viewer.models import Slide, SlideImport, SlideTileIndex
from viewer.services.checks import checked_mpp, checked_stain
from viewer.services.storing import SlideFiles, clear_file_errors, indexed, measured, store_index, stored
from viewer.storage import local_path

# Rows that come with every slide and say nothing of what was done with it.
NO_WORK = (SlideImport, SlideTileIndex)


@transaction.atomic
def supply_mpp(slide: Slide, mpp: float, by: User) -> Slide:
    """Record the resolution that a person says a slide has, with who and when.

    A value supplied by hand may be corrected until something was built on the slide (patches, scores, data sets).

    Raises:
        ApplicationError: outside what a microscope gives.
        Conflict: the file itself says it, or work already rests on the value.
    """
    mpp = checked_mpp(mpp)
    slide = Slide.objects.select_for_update(of=["self"]).select_related("case__project", "mpp_by").get(pk=slide.pk)
    if slide.mpp_source == Slide.MppSource.FILE:
        raise Conflict(
            _("The resolution of this slide, %(mpp).4g µm per pixel, was read from its file and stands.")
            % {"mpp": slide.mpp},
            {"mpp": slide.mpp, "mpp_source": slide.mpp_source},
        )
    if slide.mpp == mpp:
        return slide
    if slide.state == Slide.State.READY and work_rests_on(slide):
        raise Conflict(
            _("%(mpp).4g µm per pixel was supplied before and work rests on it. Import the slide again to correct it.")
            % {"mpp": slide.mpp},
            {"mpp": slide.mpp, "mpp_source": slide.mpp_source},
        )
    slide.mpp, slide.mpp_source, slide.mpp_by, slide.mpp_at = mpp, Slide.MppSource.HAND, by, timezone.now()
    slide.state = Slide.State.READY
    slide.save(update_fields=["mpp", "mpp_source", "mpp_by", "mpp_at", "state"])
    return slide


def work_rests_on(slide: Slide) -> bool:
    """Tell whether any room above has rows that refer to the slide."""
    return any(
        relation.related_model._default_manager.filter(**{relation.field.name: slide}).exists()
        for relation in Slide._meta.related_objects
        if relation.related_model not in NO_WORK
    )


def register_synthetic_slide(
    source: Slide, path: Path, mpp: float, generator_sha256: str, stain: str = "", by: User | None = None
) -> Slide:
    """Store a synthesised file as an unpublished slide of the source's case; a repeat returns the first one.

    stain: what it shows; the project's target stain unless said. generator_sha256: of the checkpoint that made it.
    """
    if existing := _made_before(source, generator_sha256):
        return existing
    with clear_file_errors():
        files = SlideFiles.at(path)
        sha256 = files.sha256(_ignore)
        with open_slide(path) as reader:
            columns, index = measured(reader, sha256), indexed(reader)
    try:
        with stored(files, sha256, _ignore, _ignore) as place, transaction.atomic():
            slide = Slide.objects.create(
                case=source.case,
                stain=checked_stain(stain or source.project.target_stain),
                origin=Slide.Origin.SYNTHETIC,
                drawn=source.drawn,
                state=Slide.State.READY,
                key=place.key,
                folder_key=place.folder_key,
                size_bytes=files.size_bytes,
                mpp=checked_mpp(mpp),
                mpp_source=Slide.MppSource.FILE,
                derived_from=source,
                generator_sha256=generator_sha256,
                imported_by=by,
                **columns,
            )
            store_index(slide, index)
            return slide
    except IntegrityError:
        if existing := _made_before(source, generator_sha256):  # two deliveries of one run met here
            return existing
        raise


def publish_slide(slide: Slide) -> Slide:
    """Show a synthetic slide to every member; publishing it again keeps the first date."""
    return _set_published(slide, True)


def withdraw_slide(slide: Slide) -> Slide:
    """Hide a synthetic slide from all but leads. Tiles end with the tokens already given: TILE_TOKEN_SECONDS."""
    return _set_published(slide, False)


@transaction.atomic
def _set_published(slide: Slide, published: bool) -> Slide:
    slide = Slide.objects.select_for_update(of=["self"]).select_related("case__project").get(pk=slide.pk)
    if not slide.is_synthetic:
        raise ApplicationError(_("Slide %(pk)d is real; only synthetic slides are published.") % {"pk": slide.pk})
    if published != (slide.published_at is not None):
        slide.published_at = timezone.now() if published else None
        slide.save(update_fields=["published_at"])
    return slide


def set_colour(slide: Slide, colour: str) -> Slide:
    """Show, count and train on a slide as scanned, or converted to sRGB. Its tiles get new addresses.

    Raises:
        ApplicationError: no such mode, or the file carries no profile to convert by.
    """
    if colour not in Slide.Colour.values:
        raise ApplicationError(
            _("“%(colour)s” is no colour mode; expected one of: %(known)s.")
            % {"colour": colour[:20], "known": ", ".join(Slide.Colour.values)}
        )
    if colour == Slide.Colour.SRGB and not slide.colour_profile:
        raise ApplicationError(_("The file carries no ICC profile, so its colours can only be shown as scanned."))
    with transaction.atomic():
        slide = Slide.objects.select_for_update(of=["self"]).select_related("case__project").get(pk=slide.pk)
        if slide.colour != colour:
            slide.colour = colour
            slide.version = _version_of(slide)
            slide.save(update_fields=["colour", "version"])
    return slide


def refresh_versions() -> int:
    """Name every slide's tiles anew, after the rule by which tiles are cut has changed. Returns how many changed."""
    changed = 0
    for slide in Slide.objects.only("content_sha256", "served_levels", "colour", "version"):
        version = _version_of(slide)
        if version != slide.version:
            changed += Slide.objects.filter(pk=slide.pk).update(version=version)
    return changed


def index_again(slide: Slide) -> int:
    """Find the slide's compressed tiles under this release's rule; return how many of its levels pass through.

    Raises:
        ImagingError: its file cannot be read.
    """
    levels = [ServedLevel.from_dict(level) for level in slide.served_levels]
    with local_path(slide) as path, open_slide(path) as reader:
        index, profile = index_slide(reader, levels), profile_name(reader.icc_profile())
    with transaction.atomic():
        store_index(slide, index)
        Slide.objects.filter(pk=slide.pk).update(colour_profile=profile)
    return len(index.levels)


def _version_of(slide: Slide) -> str:
    levels = [ServedLevel.from_dict(level) for level in slide.served_levels]
    return slide_version(slide.content_sha256, levels, slide.colour)


def _made_before(source: Slide, generator_sha256: str) -> Slide | None:
    made = Slide.objects.filter(origin=Slide.Origin.SYNTHETIC, derived_from=source, generator_sha256=generator_sha256)
    return made.select_related("case__project").first()


def _ignore(_told: object) -> None:
    """Take a progress report that nobody waits for."""
