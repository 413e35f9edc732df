"""Know, without asking the database again, what a process needs to serve a slide's tiles."""

from functools import lru_cache
from typing import NamedTuple

from django.http import Http404

from viewer.imaging.tiles import ServedLevel
from viewer.models import Slide


class TileSource(NamedTuple):
    """A slide and its served levels, level 0 first."""

    slide: Slide
    levels: list[ServedLevel]


@lru_cache(maxsize=512)
def tile_source(slide_pk: int, version: str) -> TileSource:
    """Return the slide of this very version. One query at the first call in a process.

    Raises:
        Http404: no such slide, or its version is another.
    """
    slide = Slide.objects.filter(pk=slide_pk, version=version).first()
    if slide is None:
        raise Http404
    return TileSource(slide, [ServedLevel.from_dict(level) for level in slide.served_levels])
