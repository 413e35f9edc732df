"""The OpenAPI schema is valid and names every method of every API address, of all rooms."""

import re

import pytest
import yaml
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.validation import validate_schema

pytestmark = pytest.mark.django_db
UNNAMED = {"OPTIONS", "HEAD"}


def api_methods(patterns=None, prefix="/"):
    """Return (address, METHOD) of every API view, addresses in the schema's spelling."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if route.startswith("/api/") or "/api/".startswith(route):
                yield from api_methods(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("/api/v1/") and route != "/api/v1/schema/":
            view = pattern.callback.view_class  # type: ignore[attr-defined]  # as_view() hangs it on the function
            for method in view().allowed_methods:
                if method not in UNNAMED:
                    yield spelled(route), method


def spelled(route):
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


@pytest.fixture
def schema(client_of, lead):
    response = client_of(lead).get("/api/v1/schema/")
    assert response.status_code == 200
    return yaml.safe_load(response.content)


def test_the_schema_is_valid_openapi(schema):
    validate_schema(schema)


def test_the_schema_lists_every_method(schema):
    listed = {(path.replace("{id}", "{pk}"), verb.upper()) for path, item in schema["paths"].items() for verb in item}
    expected = set(api_methods())
    assert len(expected) >= 16
    assert expected - listed == set()


def test_generating_the_schema_guesses_nothing(client_of, lead, capsys):
    client_of(lead).get("/api/v1/schema/")
    complaints = capsys.readouterr().err.splitlines()
    assert [line for line in complaints if "unable to guess" in line or line.startswith("Error")] == []


def test_the_schema_needs_a_login(client):
    assert client.get("/api/v1/schema/").status_code == 401
