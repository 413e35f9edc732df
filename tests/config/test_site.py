"""What every answer of the site carries, and what the web process does not."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import Project, User
from config.logs import WithoutRows
from config.standalone.layout import PROJECT_ROOT
from tests.conftest import SiteClient


@pytest.mark.django_db
def test_answers_carry_the_security_headers(client: Client) -> None:
    answer = client.get("/accounts/login/")
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'self'",
        "img-src": "'self' data: blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer.cookies["csrftoken"]["samesite"] == "Lax"


def test_the_health_page_needs_no_login_and_no_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.django_db
def test_pages_need_a_login(client: Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/"


@pytest.mark.django_db
def test_a_token_opens_the_api(client: Client, django_user_model: type[User]) -> None:
    django_user_model.objects.create_user("script", password="a long passphrase")
    refused = client.post("/api/v1/token/", {"username": "script", "password": "a wrong one"})
    assert refused.status_code == 400
    token = client.post("/api/v1/token/", {"username": "script", "password": "a long passphrase"}).json()["token"]
    assert client.get("/api/v1/schema/").status_code == 401
    assert client.get("/api/v1/schema/", headers={"Authorization": f"Token {token}"}).status_code == 200


def test_the_schema_describes_the_whole_api(site_admin: User, client_of: Callable[[User], SiteClient]) -> None:
    schema = client_of(site_admin).get("/api/v1/schema/", {"format": "json"}).json()
    assert schema["openapi"].startswith("3.")
    assert schema["info"]["title"] == "Counterstain"
    assert "/api/v1/token/" in schema["paths"]


def test_the_web_process_does_not_import_torch() -> None:
    code = "import sys, config.wsgi; from django.urls import get_resolver; get_resolver().url_patterns; "
    code += "print([name for name in ('torch', 'monai') if name in sys.modules])"
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.django_db
def test_logged_errors_do_not_quote_rows() -> None:
    name = "-".join(["a", "patient"])  # so that no line of source that a traceback shows holds it
    Project.objects.create(name=name, slug="one")
    try:
        with transaction.atomic():
            Project.objects.create(name=name, slug="two")
    except IntegrityError as error:
        record = logging.LogRecord(
            "django.request", logging.ERROR, "", 1, "failed", None, (type(error), error, error.__traceback__)
        )
    line = WithoutRows("{message}", style="{").format(record)
    assert "IntegrityError: duplicate key value" in line
    assert name not in line
