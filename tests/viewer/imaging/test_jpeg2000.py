import imagecodecs
import numpy as np
import pytest

from tests.viewer.imaging.pictures import pink
from viewer.imaging.errors import UnreadableSlide
from viewer.imaging.jpeg2000 import decode_jpeg_2000


def test_pixels_come_back():
    picture = pink(64, 48)
    np.testing.assert_array_equal(decode_jpeg_2000(bytes(imagecodecs.jpeg2k_encode(picture))), picture)


@pytest.mark.parametrize(
    "compressed",
    [b"", b"rubbish", imagecodecs.jpeg2k_encode(pink(64, 48)[..., 0])],
    ids=["empty", "rubbish", "grey"],
)
def test_what_is_no_rgb_tile_is_refused(compressed):
    with pytest.raises(UnreadableSlide, match="JPEG 2000 tile"):
        decode_jpeg_2000(compressed)
