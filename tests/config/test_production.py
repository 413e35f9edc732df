import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.production import refuse_unsafe
from config.standalone.layout import PROJECT_ROOT

SAFE_ENVIRONMENT = {
    "SECRET_KEY": "0123456789abcdef" * 4,
    "DATABASE_URL": "postgresql://db.example/counterstain",
    "CELERY_BROKER_URL": "rediss://broker.example/0",
    "CELERY_RESULT_BACKEND": "rediss://broker.example/1",
}


@pytest.fixture
def safe_settings(tmp_path: Path) -> dict[str, Any]:
    tmp_path.chmod(0o750)
    return {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["stain.example"],
        "CSRF_TRUSTED_ORIGINS": ["https://stain.example"],
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 3600,
        "HOME": tmp_path,
    }


def test_safe_values_pass(safe_settings: dict[str, Any]) -> None:
    refuse_unsafe(safe_settings, SAFE_ENVIRONMENT)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DEBUG", True, "DEBUG is on"),
        ("ALLOWED_HOSTS", [], "ALLOWED_HOSTS is empty"),
        ("ALLOWED_HOSTS", ["stain.example", "*"], r"ALLOWED_HOSTS holds '\*'"),
        ("CSRF_TRUSTED_ORIGINS", ["http://stain.example"], "'http://stain.example': only https://"),
        ("SESSION_COOKIE_SECURE", False, "SESSION_COOKIE_SECURE is off"),
        ("CSRF_COOKIE_SECURE", False, "CSRF_COOKIE_SECURE is off"),
        ("SECURE_SSL_REDIRECT", False, "SECURE_SSL_REDIRECT is off"),
        ("SECURE_HSTS_SECONDS", 0, "HSTS_SECONDS is 0"),
    ],
)
def test_an_unsafe_setting_is_refused(safe_settings: dict[str, Any], name: str, value: object, reason: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=reason):
        refuse_unsafe({**safe_settings, name: value}, SAFE_ENVIRONMENT)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("SECRET_KEY", "short", "SECRET_KEY has 5 characters"),
        ("SECRET_KEY", "ab" * 40, "80 characters, 2 different ones"),
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("CELERY_BROKER_URL", "", "CELERY_BROKER_URL is not set"),
        ("CELERY_RESULT_BACKEND", "", "CELERY_RESULT_BACKEND is not set"),
    ],
)
def test_an_unsafe_environment_is_refused(safe_settings: dict[str, Any], name: str, value: str, reason: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=reason):
        refuse_unsafe(safe_settings, {**SAFE_ENVIRONMENT, name: value})


def test_a_data_folder_that_everybody_may_read_is_refused(safe_settings: dict[str, Any], tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(ImproperlyConfigured, match="open to every account"):
        refuse_unsafe(safe_settings, SAFE_ENVIRONMENT)


def test_all_reasons_are_named_at_once(safe_settings: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_unsafe({**safe_settings, "DEBUG": True, "ALLOWED_HOSTS": []}, {})
    assert str(refusal.value).count("\n  - ") == 6


def python_with(environment: dict[str, str], code: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, env={**kept, **environment}, capture_output=True, text=True
    )


def test_the_real_settings_refuse_to_load_unsafe_and_load_safe(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    show = "from config import settings as s; print(s.SESSION_COOKIE_SECURE, s.SECURE_HSTS_SECONDS, s.ALLOWED_HOSTS)"
    production = {"COUNTERSTAIN_PRODUCTION": "1", "COUNTERSTAIN_HOME": str(tmp_path)}

    refused = python_with(production, show)
    assert refused.returncode == 1
    assert "COUNTERSTAIN_PRODUCTION=1 refuses to start" in refused.stderr
    assert "ALLOWED_HOSTS is empty" in refused.stderr

    loaded = python_with({**production, **SAFE_ENVIRONMENT, "ALLOWED_HOSTS": "stain.example"}, show)
    assert loaded.stdout == "True 31536000 ['stain.example']\n", loaded.stderr


def test_the_stack_refuses_unsafe_production_values_with_exit_code_2(tmp_path: Path) -> None:
    done = python_with(
        {"COUNTERSTAIN_PRODUCTION": "1", "COUNTERSTAIN_HOME": str(tmp_path), "PORT": "18999"},
        "import sys; from config.standalone.__main__ import main; sys.exit(main(['run']))",
    )
    assert done.returncode == 2
    assert done.stderr.startswith("counterstain: COUNTERSTAIN_PRODUCTION=1 refuses to start:")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "postgres").exists()


def test_a_served_site_speaks_only_tls(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    code = """
import django
django.setup()
from django.test import Client
plain = Client(headers={"host": "stain.example"}).get("/accounts/login/")
print(plain.status_code, plain["Location"])
client = Client(headers={"host": "stain.example", "x-forwarded-proto": "https"})
page = client.get("/accounts/login/")
cookie = page.cookies["csrftoken"]
print(page.status_code, page["Strict-Transport-Security"], cookie["secure"], cookie["samesite"])
print(Client(headers={"host": "elsewhere.example", "x-forwarded-proto": "https"}).get("/healthz").status_code)
"""
    served = {
        **SAFE_ENVIRONMENT,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "COUNTERSTAIN_PRODUCTION": "1",
        "COUNTERSTAIN_HOME": str(tmp_path),
        "ALLOWED_HOSTS": "stain.example",
        "TRUST_FORWARDED_PROTO": "1",
    }
    done = python_with(served, code)
    assert done.stdout.splitlines() == [
        "301 https://stain.example/accounts/login/",
        "200 max-age=31536000 True Lax",
        "400",
    ], done.stderr
