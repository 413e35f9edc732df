"""Cut the fields of a blinded study so that nothing but the tissue tells real from synthetic.

All fields are cut at one scale, encoded by one encoder at one quality and chroma sampling, carry no metadata, and are
padded to one length, as a smoother picture would make a shorter file. Codes and tags are random.
"""

import hashlib
import secrets
from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import Project
from viewer.imaging.foreground import tissue_mask
from viewer.imaging.reader import Picture
from viewer.models import Slide
from viewer.readers import open_reader

SIDE_PX = 512
QUALITY = 90
SUBSAMPLING = "420"
TISSUE_SHARE = 0.6
# A JPEG comment holds at most so many bytes, its length of two bytes included.
LONGEST_COMMENT = 65_533


@dataclass(frozen=True)
class Cut:
    """One field: where it was cut, what it is, how it looks."""

    slide: Slide
    x_l0: int
    y_l0: int
    side_l0: int
    picture: Picture


def candidates(project: Project, *, synthetic: bool) -> list[Slide]:
    """Return the project's slides of the target stain that fields may come from: all real, published synthetic."""
    slides = Slide.objects.filter(case__project=project, stain=project.target_stain, state=Slide.State.READY)
    if synthetic:
        slides = slides.filter(origin=Slide.Origin.SYNTHETIC, published_at__isnull=False)
    else:
        slides = slides.filter(origin=Slide.Origin.REAL)
    return list(slides.select_related("case__project").order_by("pk"))


def coarsest_px(project: Project, field_um: int) -> int:
    """Return the side of a field on the coarsest slide of either kind: a finer one would be told by its sharpness."""
    slides = [*candidates(project, synthetic=False), *candidates(project, synthetic=True)]
    return min((round(field_um / slide.mpp) for slide in slides if slide.mpp), default=SIDE_PX)


def cut_fields(
    project: Project, count: int, field_um: int, rng: np.random.Generator, *, synthetic: bool, least_px: int
) -> list[Cut]:
    """Cut fields at random places of tissue, spread over the slides, none sharper than `least_px` pixels allow.

    Raises:
        ApplicationError: no slide of the kind, or not enough tissue for so many fields that do not overlap.
    """
    slides = candidates(project, synthetic=synthetic)
    kind = _("published synthetic") if synthetic else _("real")
    if not slides:
        raise ApplicationError(
            _("The project has no %(kind)s slide of the stain %(stain)s to cut fields from.")
            % {"kind": kind, "stain": project.target_stain}
        )
    places: list[tuple[Slide, int, int, int]] = []
    for slide in slides:
        assert slide.mpp is not None, "a ready slide has its mpp"
        side = round(field_um / slide.mpp)
        with open_reader(slide) as reader:
            mask = tissue_mask(reader)
        places += [
            (slide, x, y, side)
            for y in range(0, slide.height_l0 - side + 1, side)
            for x in range(0, slide.width_l0 - side + 1, side)
            if mask.share(x, y, side, side) >= TISSUE_SHARE
        ]
    if len(places) < count:
        raise ApplicationError(
            _("%(found)s fields of %(side)s µm with tissue fit on the %(kind)s slides; %(wanted)s were asked for.")
            % {"found": len(places), "side": field_um, "kind": kind, "wanted": count}
        )
    chosen = [places[i] for i in rng.permutation(len(places))[:count]]
    return [Cut(slide, x, y, side, _read(slide, x, y, side, least_px)) for slide, x, y, side in chosen]


def _read(slide: Slide, x: int, y: int, side: int, least_px: int) -> Picture:
    """Read a field at the study's size; every slide passes through the pixels of the coarsest one."""
    with open_reader(slide) as reader:
        picture = reader.read_region(x, y, 0, side, side)
    common = cv2.resize(picture, (least_px, least_px), interpolation=cv2.INTER_AREA)
    method = cv2.INTER_AREA if least_px >= SIDE_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(common, (SIDE_PX, SIDE_PX), interpolation=method), np.uint8)


def encode(pictures: list[Picture]) -> list[bytes]:
    """Encode all fields of a study alike, padded to the length of the longest."""
    files = [
        bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(picture), QUALITY, "RGB", colorsubsampling=SUBSAMPLING))
        for picture in pictures
    ]
    longest = max(map(len, files), default=0)
    # Every file gets a comment, so that none is told by having none: at least its four bytes of marker and length.
    return [padded(file, longest + 4) for file in files]


def padded(jpeg: bytes, length: int) -> bytes:
    """Bring a JPEG to a length with comments of zeros after its first marker; the pixels stay as they are."""
    missing = length - len(jpeg)
    comments = b""
    while missing:
        size = min(missing, LONGEST_COMMENT + 4)
        # No rest may be too short for a marker of its own.
        if 0 < missing - size < 4:
            size -= 4
        comments += b"\xff\xfe" + (size - 2).to_bytes(2, "big") + bytes(size - 4)
        missing -= size
    return jpeg[:2] + comments + jpeg[2:]


def random_code() -> str:
    return secrets.token_urlsafe(16)


def reader_order(seed: int, reader_pk: int, codes: list[str]) -> list[str]:
    """Return the codes in the reader's own order: the same at every visit, another for every reader."""

    def place(code: str) -> bytes:
        return hashlib.sha256(f"{seed}/{reader_pk}/{code}".encode()).digest()

    return sorted(codes, key=place)
