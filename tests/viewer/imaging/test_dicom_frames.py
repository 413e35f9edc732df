import pytest

from tests.viewer.imaging.pictures import pink
from tests.viewer.imaging.tiled_files import jpeg_of, write_dicom
from viewer.imaging.dicom_frames import jpeg_frames
from viewer.imaging.errors import UnreadableSlide


@pytest.fixture
def frames():
    return [
        jpeg_of(pink(64, 64)[:, ::-1] if number % 2 else pink(64, 64)) + b"\0" * (number % 2) for number in range(6)
    ]


def test_frames_are_found_row_by_row_without_their_padding(tmp_path, frames):
    path = write_dicom(tmp_path / "a.dcm", frames, (180, 120), 64)
    found = jpeg_frames(path)
    assert (found.width, found.height, found.tile_width, found.tile_height) == (180, 120, 64, 64)
    content = path.read_bytes()
    read = [content[at : at + count] for at, count in zip(found.offsets, found.counts, strict=True)]
    assert read == [frame.rstrip(b"\0") for frame in frames]


@pytest.mark.parametrize(
    "changes",
    [
        {"syntax": b"1.2.840.10008.1.2.4.90"},
        {"organization": b"TILED_SPARSE"},
        {"size": (180, 200)},
    ],
    ids=["jpeg 2000", "sparse", "frames missing"],
)
def test_frames_that_cannot_be_told_apart_by_their_order_are_none(tmp_path, frames, changes):
    size = changes.pop("size", (180, 120))
    assert jpeg_frames(write_dicom(tmp_path / "a.dcm", frames, size, 64, **changes)) is None


def test_a_damaged_file_is_named_damaged(tmp_path, frames):
    path = write_dicom(tmp_path / "a.dcm", frames, (180, 120), 64, before_pixels=b"\x28\x00\x50\x10\x01\x02\x03\x04")
    with pytest.raises(UnreadableSlide, match="damaged"):
        jpeg_frames(path)


def test_a_file_cut_off_within_its_frames_gives_none(tmp_path, frames):
    path = write_dicom(tmp_path / "a.dcm", frames, (180, 120), 64)
    path.write_bytes(path.read_bytes()[:-5000])
    assert jpeg_frames(path) is None
