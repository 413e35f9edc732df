"""The reference over HTTP: openslide's DeepZoomGenerator 254+1 with Pillow behind plain WSGI, no access check.

Run by two sync workers of gunicorn, as the deepzoom example of openslide-python is run; SLIDE names the file.
"""

import io
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

import openslide
from openslide.deepzoom import DeepZoomGenerator

QUALITY = 80
generator = DeepZoomGenerator(openslide.OpenSlide(os.environ["SLIDE"]), 254, 1, limit_bounds=False)
level = generator.level_count - 1


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer `/<column>_<row>.jpg` of the full resolution."""
    named = re.fullmatch(r"/(\d+)_(\d+)\.jpg", environ["PATH_INFO"])
    if named is None:
        start_response("404 Not Found", [])
        return []
    stream = io.BytesIO()
    generator.get_tile(level, (int(named[1]), int(named[2]))).save(stream, "JPEG", quality=QUALITY)
    body = stream.getvalue()
    start_response("200 OK", [("Content-Type", "image/jpeg"), ("Content-Length", str(len(body)))])
    return [body]
