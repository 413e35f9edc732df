"""Write alignments: one row a version, the newest stands."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from review import selectors
from review.models import Alignment
from viewer.imaging.errors import ImagingError
from viewer.imaging.point_pairs import PointPair, fit_pairs
from viewer.imaging.registration import register
from viewer.models import Slide
from viewer.readers import open_reader

AUTOMATIC = "automatic affine"
BY_POINTS = "point pairs"
MOST_PAIRS = 20


def align_pair(fixed: Slide, moving: Slide) -> Alignment:
    """Find and keep the map from one section to the next; a pair that does not fit is kept with the reason.

    A pair that was aligned before keeps its map, whoever asks again.
    """
    kept = selectors.alignment_of(fixed, moving)
    if kept is not None and kept.matrix is not None:
        return kept
    assert fixed.mpp is not None and moving.mpp is not None, "sections of a pair are ready slides"
    values: dict[str, Any] = {"method": AUTOMATIC}
    try:
        with open_reader(fixed) as fixed_reader, open_reader(moving) as moving_reader:
            found = register(fixed_reader, moving_reader, fixed.mpp, moving.mpp)
    except ImagingError as error:
        values |= {"matrix": None, "correlation": None, "message": str(error)}
    else:
        values |= {"matrix": list(found.matrix), "correlation": found.correlation, "message": ""}
    return Alignment.objects.update_or_create(
        fixed=fixed, moving=moving, version=kept.version if kept else 1, defaults=values
    )[0]


@transaction.atomic
def correct_alignment(
    fixed: Slide, moving: Slide, pairs: Sequence[PointPair], by: User, seen_version: int | None
) -> Alignment:
    """Keep a new version that lays pairs of places on each other.

    Raises:
        ApplicationError: the pairs do not make a map.
        Conflict: somebody else has corrected this pair since the reader's page was drawn.
    """
    # Readers of one pair wait for each other here.
    Slide.objects.select_for_update(no_key=True, of=("self",)).get(pk=fixed.pk)
    standing = selectors.alignment_of(fixed, moving)
    newest = standing.version if standing else None
    if newest != seen_version:
        who = standing.created_by if standing else None
        raise Conflict(
            _("%(who)s has aligned these sections in the meantime. Reload the page and look at the result first.")
            % {"who": who or _("The computer")},
            extra={"version": newest},
        )
    refuse_off_slides(fixed, moving, pairs)
    assert fixed.mpp is not None and moving.mpp is not None, "sections of a pair are ready slides"
    try:
        found = fit_pairs(pairs, fixed.mpp, moving.mpp)
    except ImagingError as error:
        raise ApplicationError(str(error)) from error
    return Alignment.objects.create(
        fixed=fixed,
        moving=moving,
        version=(newest or 0) + 1,
        matrix=list(found.matrix),
        points=[list(pair) for pair in pairs],
        error_um=found.error_um,
        method=BY_POINTS,
        created_by=by,
    )


def refuse_off_slides(fixed: Slide, moving: Slide, pairs: Sequence[PointPair]) -> None:
    if len(pairs) > MOST_PAIRS:
        raise ApplicationError(
            _("%(n)s pairs were given; at most %(most)s are kept.") % {"n": len(pairs), "most": MOST_PAIRS}
        )
    for x, y, moving_x, moving_y in pairs:
        for slide, at_x, at_y in ((fixed, x, y), (moving, moving_x, moving_y)):
            if not (0 <= at_x < slide.width_l0 and 0 <= at_y < slide.height_l0):
                raise ApplicationError(
                    _("The place (%(x).0f, %(y).0f) does not lie on “%(slide)s”, which has %(w)s × %(h)s pixels.")
                    % {"x": at_x, "y": at_y, "slide": slide, "w": slide.width_l0, "h": slide.height_l0}
                )
