"""Check what people type about a slide, before anything is read or written."""

import re

from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import STAIN_PATTERN
from viewer.imaging.limits import MPP_RANGE_UM

LONGEST_CASE_NAME = 60


def checked_case_name(name: str) -> str:
    """Return a case's pseudonym without surrounding space, or refuse it."""
    name = name.strip()
    if not name or len(name) > LONGEST_CASE_NAME or not name.isprintable():
        raise ApplicationError(
            _(
                "“%(name)s” cannot name a case; expected 1 to %(longest)d printable characters, for example “Case 01”. "
                "Use a pseudonym, never a patient's name."
            )
            % {"name": name[:LONGEST_CASE_NAME], "longest": LONGEST_CASE_NAME}
        )
    return name


def checked_stain(stain: str) -> str:
    """Return a stain's name, or refuse it."""
    if not re.fullmatch(STAIN_PATTERN, stain):
        raise ApplicationError(
            _("“%(stain)s” names no stain; expected 1 to 16 capital letters or digits, for example HE or KI67.")
            % {"stain": stain[:40]}
        )
    return stain


def checked_mpp(mpp: float) -> float:
    """Return a resolution that a slide scanner can have, or refuse it."""
    low, high = MPP_RANGE_UM
    if not low <= mpp <= high:
        raise ApplicationError(
            _("%(mpp)g µm per pixel was given; expected %(low)g to %(high)g. A ×40 scan has about 0.25, a ×20 scan 0.5.")
            % {"mpp": mpp, "low": low, "high": high}
        )
    return mpp
