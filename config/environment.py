"""Read settings from environment variables; a value that cannot be read stops the start with its name."""

import os
import secrets
import socket
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def env_flag(name: str, *, default: bool) -> bool:
    """Read 1/0, true/false, yes/no, on/off."""
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {raw!r}; expected 1 or 0.")


def env_int(name: str, *, default: int) -> int:
    """Read a whole number."""
    raw = os.environ.get(name, "").strip()
    try:
        return int(raw) if raw else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {raw!r}; expected a whole number.") from error


def env_list(name: str, *, default: list[str]) -> list[str]:
    """Read a comma-separated list."""
    raw = os.environ.get(name, "").strip()
    return [part.strip() for part in raw.split(",") if part.strip()] if raw else default


def secret_key(key_file: Path) -> str:
    """Return SECRET_KEY from the environment, else the one kept in `key_file`, made at the first start."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    try:
        return _kept_key(key_file)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{key_file} cannot be used ({error.strerror}): run this as the account that the data belongs to, or set "
            "COUNTERSTAIN_HOME to a folder of your own."
        ) from error


def _kept_key(key_file: Path) -> str:
    if not key_file.exists():
        key_file.parent.mkdir(parents=True, exist_ok=True)
        draft = key_file.with_suffix(f".{os.getpid()}.part")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        try:
            os.link(draft, key_file)  # of two processes that start at once, one names the key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return key_file.read_text().strip()


def database_from_url(url: str) -> dict[str, object]:
    """Turn a postgresql:// URL into Django's settings; `?host=` names a socket folder."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL begins with {parts.scheme}://; expected postgresql://.")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": query,
    }


def listening_hosts() -> list[str]:
    """Return the names that this machine is opened by when one person tries it: loopback, and HOST if given."""
    names = ["127.0.0.1", "localhost", "[::1]"]
    host = os.environ.get("HOST", "").strip()
    if host in {"0.0.0.0", "::"}:
        return [*names, socket.gethostname()]
    return [*names, host] if host and host not in names else names


def broker_options(url: str) -> dict[str, object]:
    """Return kombu's options for Redis and Valkey; other brokers need none.

    A message that its worker has not acknowledged within `visibility_timeout` is handed out again, so it must
    be longer than the longest run.
    """
    if not url.startswith(("redis", "valkey", "sentinel")):
        return {}
    return {
        "visibility_timeout": env_int("BROKER_VISIBILITY_SECONDS", default=24 * 3600),
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    }


def storage_from_environment(folder: Path) -> dict[str, object]:
    """Return S3 when AWS_STORAGE_BUCKET_NAME is set, else files below `folder`."""
    if bucket := os.environ.get("AWS_STORAGE_BUCKET_NAME"):
        options: dict[str, object] = {"bucket_name": bucket, "file_overwrite": True, "default_acl": None}
        if endpoint := os.environ.get("AWS_S3_ENDPOINT_URL"):
            options["endpoint_url"] = endpoint
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": folder, "allow_overwrite": True},
    }
