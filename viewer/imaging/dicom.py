"""The few things about DICOM slides that OpenSlide does not tell, read from the bytes.

Whole-slide DICOM is always little endian with explicit types, so that its elements can be found by their first bytes.
"""

import mmap
from pathlib import Path

from .jpeg import read_head

MAGIC_AT = 128
HEAD_BYTES = 1_000_000
SERIES_UID = b"\x20\x00\x0e\x00UI"
PHOTOMETRIC_INTERPRETATION = b"\x28\x00\x04\x00CS"
PIXEL_DATA = b"\xe0\x7f\x10\x00OB"
JPEG_START = b"\xff\xd8\xff"


def is_dicom(path: Path) -> bool:
    """Say whether the file begins as DICOM files do."""
    with path.open("rb") as stream:
        return stream.read(MAGIC_AT + 4)[MAGIC_AT:] == b"DICM"


def series_uid(path: Path) -> str:
    """Read the Series Instance UID (0020,000E): the files of one slide share it."""
    with path.open("rb") as stream:
        return _text(stream.read(HEAD_BYTES), SERIES_UID)


def is_ycbcr_called_rgb(path: Path) -> bool:
    """Say whether a DICOM file declares RGB while its JPEG frames are really YCbCr.

    OpenSlide believes the declaration and then shows the bare Y, Cb and Cr as red, green and blue.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        pixels_at = content.find(PIXEL_DATA)
        frame_at = content.find(JPEG_START, pixels_at) if pixels_at >= 0 else -1
        if frame_at < 0 or _text(content[:pixels_at], PHOTOMETRIC_INTERPRETATION) != "RGB":
            return False
        head = read_head(content[frame_at : frame_at + 65_536])
        return head is not None and head.is_ycbcr


def _text(content: bytes, tag: bytes) -> str:
    at = content.find(tag)
    if at < 0:
        return ""
    at += len(tag)
    length = int.from_bytes(content[at : at + 2], "little")
    return content[at + 2 : at + 2 + length].rstrip(b"\0 ").decode("ascii", "replace")
