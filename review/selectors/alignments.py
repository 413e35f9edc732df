"""Read alignments."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from review.models import Alignment
from viewer.models import Slide


def alignment_of(source: Slide, real: Slide) -> Alignment | None:
    """Return the version that stands."""
    return alignment_versions(source, real).first()


def alignment_versions(source: Slide, real: Slide) -> QuerySet[Alignment]:
    return Alignment.objects.filter(fixed=source, moving=real).select_related("created_by").order_by("-version")


def alignment_payload(alignment: Alignment | None) -> dict[str, Any] | None:
    if alignment is None or alignment.matrix is None:
        return None
    return {
        "matrix": alignment.matrix,
        "correlation": alignment.correlation,
        "error_um": alignment.error_um,
        "method": alignment.method,
        "version": alignment.version,
        "points": alignment.points,
        "by": alignment.created_by.get_username() if alignment.created_by else None,
    }


def alignment_note(real: Slide | None, alignment: Alignment | None) -> str:
    """Say why the views are not in register; empty when they are."""
    if real is None:
        return _("This case has no real slide of the same stain to compare with.")
    if alignment is None:
        return _("The sections are being aligned; reload the page in a moment.")
    return alignment.message
