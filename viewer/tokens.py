"""Carry a checked permission to the tile view in a signed cookie, so that no tile asks the database.

The cookie is limited to `/t/<slide>/` and names slide, person and time. It ends after TILE_TOKEN_SECONDS: that is also
how long a person whose membership was taken, or a reader of a slide that was withdrawn, can still fetch its tiles.
"""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.access import Person
from viewer.models import Slide

_signer = signing.TimestampSigner(salt="viewer.tokens")


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
    try:
        named = _signer.unsign(request.COOKIES.get(tile_cookie_name(slide_pk), ""), max_age=settings.TILE_TOKEN_SECONDS)
    except signing.BadSignature:
        return False
    return named.partition(":")[0] == str(slide_pk)
