"""What the markers of a JPEG say, read without decoding it."""

from collections.abc import Iterator
from dataclasses import dataclass

APP0, APP14, START_OF_SCAN, END_OF_IMAGE = 0xE0, 0xEE, 0xDA, 0xD9
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
# Adobe's marker with transform 0: the components are red, green and blue. Without it a browser takes them for YCbCr.
ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class JpegHead:
    """Size, sampling factors of the components (as stored, 0x22 is 2 × 2), and who says what about colour."""

    width: int
    height: int
    precision_bits: int
    sampling: bytes
    has_jfif: bool
    adobe_transform: int | None
    "0: RGB, 1: YCbCr, None: the marker is missing."

    @property
    def is_ycbcr(self) -> bool:
        """Tell by the markers: Adobe names its transform, JFIF means YCbCr, and nobody subsamples red or blue."""
        if self.adobe_transform is not None:
            return self.adobe_transform == 1
        return self.has_jfif or len(set(self.sampling)) > 1


def read_head(jpeg: bytes) -> JpegHead | None:
    """Read the head of a JPEG (its first bytes suffice); None when it is no sequential or progressive JPEG."""
    has_jfif, adobe_transform = False, None
    for marker, segment in _segments(jpeg):
        if marker == APP14 and segment.startswith(b"Adobe") and len(segment) > 11:
            adobe_transform = segment[11]
        elif marker == APP0 and segment.startswith(b"JFIF"):
            has_jfif = True
        elif marker in (BASELINE, EXTENDED, PROGRESSIVE) and len(segment) >= 9:
            height, width = int.from_bytes(segment[1:3], "big"), int.from_bytes(segment[3:5], "big")
            return JpegHead(width, height, segment[0], segment[7::3], has_jfif, adobe_transform)
    return None


def _segments(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] not in (START_OF_SCAN, END_OF_IMAGE):
        if jpeg[at + 1] == 0xFF:  # fill byte
            at += 1
            continue
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        yield jpeg[at + 1], jpeg[at + 4 : at + 2 + length]
        at += 2 + length
