"""The small picture of a whole slide that lists and viewers show first."""

import simplejpeg

from viewer import tile_cache
from viewer.models import Slide
from viewer.readers import open_reader

THUMBNAIL_PX = 512
QUALITY = 85


def slide_thumbnail(slide: Slide) -> bytes:
    """Return the slide in at most 512 × 512 px as a JPEG, kept in the tile cache."""
    path = tile_cache.kept_path(slide.pk, slide.version, "thumbnail")
    jpeg = tile_cache.read(path)
    if jpeg is None:
        with open_reader(slide) as reader:
            pixels = reader.thumbnail(THUMBNAIL_PX)
        jpeg = bytes(simplejpeg.encode_jpeg(pixels, quality=QUALITY, colorspace="RGB"))
        tile_cache.keep(path, jpeg)
    return jpeg
