"""The JSON of signing in."""

from typing import Any

from rest_framework import serializers


class SignInSerializer(serializers.Serializer[dict[str, Any]]):
    username = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False, style={"input_type": "password"})


class TokenSerializer(serializers.Serializer[dict[str, Any]]):
    token = serializers.CharField()
