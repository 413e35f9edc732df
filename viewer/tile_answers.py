"""Answer a tile request: whether it may be seen, whether the browser has it, and its bytes. The same for both doors:
the WSGI door ahead of Django (`tile_door`) and the view behind Django's middleware."""

import logging
from typing import NamedTuple

from accounts.errors import ApplicationError
from viewer.imaging.errors import ImagingError
from viewer.tile_source import TileSource, forget_source

logger = logging.getLogger(__name__)

FOR_EVER = "private, max-age=31536000, immutable"


class TileAddress(NamedTuple):
    """One tile of one version of a slide."""

    slide_pk: int
    version: str
    level: int
    column: int
    row: int


class Answer(NamedTuple):
    """Status, headers and body of an HTTP response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def refusal() -> Answer:
    return _plain(403, "Open the slide's page again.")


def not_found() -> Answer:
    return _plain(404, "There is no such tile.")


def unreadable() -> Answer:
    return _plain(500, "This tile cannot be read: the slide's file is damaged, changed or gone. Tell a project lead.")


def answer(source: TileSource, address: TileAddress, if_none_match: str) -> Answer:
    """Answer for somebody who may see the slide. What the browser has is not read again."""
    if address.level >= len(source.levels):
        return not_found()
    level = source.levels[address.level]
    if address.column >= level.columns or address.row >= level.rows:
        return not_found()
    etag = f'"{address.version}-{address.level}-{address.column}-{address.row}"'
    lasting = [("ETag", etag), ("Cache-Control", FOR_EVER), ("X-Content-Type-Options", "nosniff")]
    if if_none_match and (etag in if_none_match or if_none_match.strip() == "*"):
        return Answer(304, lasting, b"")
    try:
        jpeg = source.jpeg(address.level, address.column, address.row)
    except (ImagingError, ApplicationError, OSError) as error:
        forget_source(address.slide_pk, address.version)
        logger.warning("Tile %d/%d_%d of slide %d cannot be read: %s", *address[2:], address.slide_pk, _said(error))
        return unreadable()
    return Answer(200, [("Content-Type", "image/jpeg"), ("Content-Length", str(len(jpeg))), *lasting], jpeg)


def _said(error: Exception) -> str:
    """Say what the system refused without the file's name."""
    return str(error.strerror) if isinstance(error, OSError) else str(error)


def _plain(status: int, text: str) -> Answer:
    body = text.encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    return Answer(status, headers, body)
