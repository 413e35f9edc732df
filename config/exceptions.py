"""Give API errors one shape: {"message": ..., "extra": {...}}."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.errors import ApplicationError


def api_exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, ApplicationError):
        return Response({"message": error.message, "extra": error.extra}, status=error.status)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(*error.args)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        response.data = {"message": first_message(error.detail), "extra": {"fields": error.detail}}
    else:
        response.data = {"message": str(getattr(error, "detail", error)), "extra": {}}
    return response


def first_message(detail: Any, field: str = "") -> str:
    """Return the first message of a validation error, led by the field it speaks of."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return first_message(inner, "" if name == "non_field_errors" else str(name))
    if isinstance(detail, list):
        return first_message(detail[0], field)
    return f"{field}: {detail}" if field else str(detail)
