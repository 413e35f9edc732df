import io
import struct

import pytest
from PIL import Image

from tests.viewer.imaging.pictures import pink
from viewer.imaging.dicom import is_dicom, is_ycbcr_called_rgb, series_uid

ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00d\x00\x00\x00\x00\x00"


def element(tag, kind, value):
    return struct.pack("<HH", *tag) + kind + struct.pack("<H", len(value)) + value


def dicom(photometric, jpeg):
    head = bytes(128) + b"DICM" + element((0x0020, 0x000E), b"UI", b"1.2.34\0")
    head += element((0x0028, 0x0004), b"CS", photometric)
    return head + struct.pack("<HH", 0x7FE0, 0x0010) + b"OB\0\0\xff\xff\xff\xff" + jpeg


def jpeg(*, jfif, subsampled=False, adobe=b""):
    stream = io.BytesIO()
    Image.fromarray(pink(64, 64)).save(stream, "JPEG", subsampling=2 if subsampled else 0)
    content = stream.getvalue()
    jfif_end = 4 + int.from_bytes(content[4:6], "big")
    return b"\xff\xd8" + adobe + (content[2:] if jfif else content[jfif_end:])


@pytest.mark.parametrize(
    ("photometric", "frame", "expected"),
    [
        (b"RGB ", jpeg(jfif=True), True),
        (b"RGB ", jpeg(jfif=False, subsampled=True), True),
        (b"RGB ", jpeg(jfif=False), False),
        (b"RGB ", jpeg(jfif=False, adobe=ADOBE_RGB), False),
        (b"YBR_FULL_422", jpeg(jfif=True, subsampled=True), False),
        (b"RGB ", b"\xff\xd8\xff\xe0\x00", False),
        (b"RGB ", b"", False),
    ],
    ids=["jfif", "subsampled", "rgb", "adobe", "honest", "damaged", "none"],
)
def test_frames_that_are_ycbcr_but_called_rgb_are_told_by_their_markers(tmp_path, photometric, frame, expected):
    (tmp_path / "a.dcm").write_bytes(dicom(photometric, frame))
    assert is_ycbcr_called_rgb(tmp_path / "a.dcm") is expected


def test_the_series_is_read_from_the_head(tmp_path):
    (tmp_path / "a.dcm").write_bytes(dicom(b"RGB ", b""))
    assert is_dicom(tmp_path / "a.dcm")
    assert series_uid(tmp_path / "a.dcm") == "1.2.34"


def test_another_file_is_no_dicom(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"DICM")
    assert not is_dicom(tmp_path / "a.dcm")
