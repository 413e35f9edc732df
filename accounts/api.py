"""Sign a program in."""

from typing import Any

from django.contrib.auth import authenticate
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.authtoken.models import Token
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import ApplicationError
from accounts.serializers import SignInSerializer, TokenSerializer


class SignInTooOften(ApplicationError):
    """Too many wrong passwords came from there for this name."""

    status = 429


class TokenForPassword(APIView):
    """Exchange a name and password for a token: send it as `Authorization: Token …`. Wrong ones are counted."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    @extend_schema(request=SignInSerializer, responses=TokenSerializer)
    def post(self, request: Request) -> Response:
        asked = SignInSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = authenticate(request._request, **asked.validated_data)
        if user is None:
            # Axes would answer a page in place of our JSON, so its mark is taken off.
            if request._request.__dict__.pop("axes_locked_out", False):
                raise SignInTooOften(_("Too many wrong passwords. Wait a quarter of an hour, then try again."))
            raise ApplicationError(_("There is no active account with this name and password."))
        token, _made = Token.objects.get_or_create(user=user)
        return Response({"token": token.key})
