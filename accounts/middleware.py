"""Ask every visitor to sign in, except where a view says otherwise."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import middleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class LoginRequiredMiddleware(middleware.LoginRequiredMiddleware):
    """Django's own, asking the view first and the person second.

    Django looks the person up for every view, which costs a session and a user query per tile and makes each tile
    vary by cookie, so that a browser forgets its tiles whenever a cookie is renewed.
    """

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)
