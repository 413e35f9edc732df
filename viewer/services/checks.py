"""Check what people type about a slide, before anything is read or written."""

import re
from pathlib import Path

from django.conf import settings
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
            _("%(mpp)g µm per pixel was given; expected %(low)g to %(high)g. A ×40 scan has about 0.25.")
            % {"mpp": mpp, "low": low, "high": high}
        )
    return mpp


def checked_import_path(raw: str) -> Path:
    """Return the path, links followed, if it lies below a folder that the API may import from.

    A path outside is answered as one that does not exist, so that nobody learns what else the server holds.
    """
    if not settings.IMPORT_ROOTS:
        raise ApplicationError(
            _("No folder of this server is open to imports. Set IMPORT_ROOTS, or use the command or the upload.")
        )
    try:
        path = Path(raw).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        path = None
    if path is None or not any(path.is_relative_to(Path(root).resolve()) for root in settings.IMPORT_ROOTS):
        raise ApplicationError(
            _("There is no such file or folder below the folders that are open to imports. Check the path.")
        )
    return path
