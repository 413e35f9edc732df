"""Refuse to serve people with settings that are only safe on one's own machine."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

SHORTEST_SECRET_KEY = 50
LEAST_DIFFERENT_CHARACTERS = 10


def refuse_unsafe(settings: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Raise ImproperlyConfigured that lists every unsafe value, why it is refused, and what to set."""
    problems = [
        *_secrets(settings, environment),
        *_hosts(settings),
        *_services(environment),
        *_transport(settings),
        *_folders(settings),
    ]
    if problems:
        raise ImproperlyConfigured(
            "COUNTERSTAIN_PRODUCTION=1 refuses to start:" + "".join(f"\n  - {problem}" for problem in problems)
        )


def _secrets(settings: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    key = environment.get("SECRET_KEY", "")
    if not key:
        yield "SECRET_KEY is not set: every server of the site needs the same one; `openssl rand -hex 32` makes one."
    elif len(key) < SHORTEST_SECRET_KEY or len(set(key)) < LEAST_DIFFERENT_CHARACTERS:
        yield (
            f"SECRET_KEY has {len(key)} characters, {len(set(key))} different ones; sessions and tile tokens can be "
            f"forged with a guessed key: use {SHORTEST_SECRET_KEY} or more random ones (`openssl rand -hex 32`)."
        )
    if settings["DEBUG"]:
        yield "DEBUG is on: error pages would show settings and data to anyone. Unset it."


def _hosts(settings: Mapping[str, Any]) -> Iterator[str]:
    if not settings["ALLOWED_HOSTS"]:
        yield "ALLOWED_HOSTS is empty: name the site's host names, separated by commas."
    if any(host.startswith("*") for host in settings["ALLOWED_HOSTS"]):
        yield "ALLOWED_HOSTS holds '*': links in pages could be made to point to any host. Name the site's hosts."
    for origin in settings["CSRF_TRUSTED_ORIGINS"]:
        if not origin.startswith("https://"):
            yield f"CSRF_TRUSTED_ORIGINS holds {origin!r}: only https:// origins are safe."


def _services(environment: Mapping[str, str]) -> Iterator[str]:
    for name, meant in (
        ("DATABASE_URL", "database"),
        ("CELERY_BROKER_URL", "broker"),
        ("CELERY_RESULT_BACKEND", "result store"),
    ):
        if not environment.get(name):
            yield f"{name} is not set: the embedded {meant} has no password, no backup and one machine. Name a server."


def _transport(settings: Mapping[str, Any]) -> Iterator[str]:
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT"):
        if not settings[name]:
            yield f"{name} is off: sessions would travel unencrypted."
    if settings["SECURE_HSTS_SECONDS"] < 1:
        yield "HSTS_SECONDS is 0: browsers would try unencrypted HTTP first. Unset it, or give it seconds."


def _folders(settings: Mapping[str, Any]) -> Iterator[str]:
    home = Path(settings["HOME"])
    if home.exists() and home.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH | stat.S_IWOTH):
        yield f"{home} is open to every account of this machine, and slides lie in it: run `chmod o= {home}`."
