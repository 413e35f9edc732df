"""Carry a checked permission to the tile view in a signed cookie, so that no tile asks the database.

The cookie is limited to `/t/<slide>/` and names slide, person and time. It ends after TILE_TOKEN_SECONDS: that is also
how long a person whose membership was taken, or a reader of a slide that was withdrawn, can still fetch its tiles.
"""

import time

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.access import Person
from viewer.models import Slide

MAX_VERIFIED = 4096

_signer = signing.TimestampSigner(salt="viewer.tokens")
_verified: dict[str, tuple[str, int]] = {}


def tile_cookie_name(slide_pk: int) -> str:
    """Name the cookie of one slide: a response that shows several carries one for each."""
    return f"tiles-{slide_pk}"


def set_tile_cookie(response: HttpResponseBase, slide: Slide, user: Person) -> None:
    """Let the browser that gets this response fetch the tiles of one slide. The caller has checked the permission."""
    response.set_cookie(
        tile_cookie_name(slide.pk),
        _signer.sign(f"{slide.pk}:{user.pk}"),
        max_age=settings.TILE_TOKEN_SECONDS,
        path=f"/t/{slide.pk}/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def verify(request: HttpRequest, slide_pk: int) -> bool:
    """Tell whether the request carries a live token of this very slide. No query."""
    return is_valid(request.COOKIES.get(tile_cookie_name(slide_pk), ""), slide_pk)


def is_valid(token: str, slide_pk: int) -> bool:
    """Tell whether a token is of this very slide and still lives. Signatures that were good are remembered."""
    found = _verified.get(token)
    if found is None:
        try:
            named = _signer.unsign(token)
        except signing.BadSignature:
            return False
        # The value is slide:person:time:signature; `unsign` has vouched for the time.
        found = named.partition(":")[0], signing.b62_decode(token.rsplit(":", 2)[1])
        if len(_verified) >= MAX_VERIFIED:
            _verified.clear()
        _verified[token] = found
    named_slide, signed_at = found
    return named_slide == str(slide_pk) and time.time() - signed_at < settings.TILE_TOKEN_SECONDS
