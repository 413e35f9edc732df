"""Answer tiles ahead of Django: of a slide that this process knows, a tile costs no middleware and no query.

The first tile of a slide goes through Django's own view, which asks the database; so does whatever is no plain request
for a tile.
"""

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from viewer.tile_answers import Answer, TileAddress, answer, refusal
from viewer.tile_source import known_source
from viewer.tokens import is_valid, tile_cookie_name

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

TILE_PATH = re.compile(r"/t/(\d{1,18})/([0-9a-f]{12})/(\d{1,3})/(\d{1,9})_(\d{1,9})\.jpg", re.ASCII)
STATUS_LINES = {status: f"{status.value} {status.phrase}" for status in HTTPStatus}


def tile_door(application: Application) -> Application:
    """Put the door before a WSGI application."""

    def door(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        found = _answer(environ) if environ["PATH_INFO"].startswith("/t/") else None
        if found is None:
            return application(environ, start_response)
        start_response(STATUS_LINES[HTTPStatus(found.status)], found.headers)
        return [found.body]

    return door


def _answer(environ: dict[str, Any]) -> Answer | None:
    """Answer what can be answered without Django; None for the rest."""
    parts = TILE_PATH.fullmatch(environ["PATH_INFO"])
    if parts is None or environ["REQUEST_METHOD"] != "GET":
        return None
    address = TileAddress(int(parts[1]), parts[2], int(parts[3]), int(parts[4]), int(parts[5]))
    source = known_source(address.slide_pk, address.version)
    if source is None:
        return None
    if not is_valid(_cookie(environ.get("HTTP_COOKIE", ""), tile_cookie_name(address.slide_pk)), address.slide_pk):
        return refusal()
    found = answer(source, address, environ.get("HTTP_IF_NONE_MATCH", ""))
    # The slide may have been removed since: Django's view asks the database.
    return None if found.status == HTTPStatus.INTERNAL_SERVER_ERROR else found


def _cookie(header: str, name: str) -> str:
    for part in header.split(";"):
        found, _equals, value = part.strip().partition("=")
        if found == name:
            return value
    return ""
