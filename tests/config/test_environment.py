from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import (
    broker_options,
    database_from_url,
    env_flag,
    env_int,
    env_list,
    listening_hosts,
    secret_key,
    storage_from_environment,
)


@pytest.mark.parametrize(("raw", "meant"), [("1", True), ("Yes", True), ("off", False), ("0", False), ("", True)])
def test_flags_are_read_in_common_spellings(monkeypatch: pytest.MonkeyPatch, raw: str, meant: bool) -> None:
    monkeypatch.setenv("SOME_FLAG", raw)
    assert env_flag("SOME_FLAG", default=True) is meant


def test_a_value_that_cannot_be_read_is_refused_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_FLAG", "perhaps")
    monkeypatch.setenv("SOME_NUMBER", "many")
    with pytest.raises(ImproperlyConfigured, match="SOME_FLAG is 'perhaps'; expected 1 or 0"):
        env_flag("SOME_FLAG", default=False)
    with pytest.raises(ImproperlyConfigured, match="SOME_NUMBER is 'many'; expected a whole number"):
        env_int("SOME_NUMBER", default=1)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_LIST", "one, two,,three ")
    assert env_list("SOME_LIST", default=[]) == ["one", "two", "three"]
    monkeypatch.setenv("SOME_LIST", " ")
    assert env_list("SOME_LIST", default=["default"]) == ["default"]


def test_the_secret_key_is_made_once_and_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    key_file = tmp_path / "home" / "secret-key"
    key = secret_key(key_file)
    assert len(key) >= 50
    assert secret_key(key_file) == key
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in key_file.parent.iterdir()] == ["secret-key"]


def test_a_key_that_cannot_be_read_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    folder = tmp_path / "secret-key"
    folder.mkdir()
    with pytest.raises(ImproperlyConfigured, match=r"secret-key cannot be used \(Is a directory\).*COUNTERSTAIN_HOME"):
        secret_key(folder)
    assert folder.is_dir()


def test_the_secret_key_of_the_environment_wins_and_no_file_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_KEY", "from the environment")
    assert secret_key(tmp_path / "secret-key") == "from the environment"
    assert list(tmp_path.iterdir()) == []


def test_a_database_address_is_taken_apart() -> None:
    found = database_from_url("postgresql://reader:p%40ss@db.example:6432/stains?sslmode=require")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "reader",
        "p@ss",
        "db.example",
        "6432",
        "stains",
    )
    assert found["OPTIONS"] == {"sslmode": "require"}


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="mysql://; expected postgresql://"):
        database_from_url("mysql://db.example/stains")


def test_only_redis_like_brokers_get_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert broker_options("amqp://broker.example") == {}
    assert broker_options("rediss://broker.example/0")["visibility_timeout"] == 86_400
    monkeypatch.setenv("BROKER_VISIBILITY_SECONDS", "100")
    assert broker_options("redis+socket:///run/valkey.sock")["visibility_timeout"] == 100


def test_a_site_opened_to_the_network_answers_to_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "192.0.2.7")
    assert listening_hosts() == ["127.0.0.1", "localhost", "[::1]", "192.0.2.7"]
    monkeypatch.delenv("HOST")
    assert listening_hosts() == ["127.0.0.1", "localhost", "[::1]"]


def test_slides_go_to_a_bucket_when_one_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert storage_from_environment(tmp_path)["BACKEND"] == "django.core.files.storage.FileSystemStorage"
    monkeypatch.setenv("AWS_STORAGE_BUCKET_NAME", "slides")
    monkeypatch.setenv("AWS_S3_ENDPOINT_URL", "https://s3.example")
    storage = storage_from_environment(tmp_path)
    assert storage["BACKEND"] == "storages.backends.s3.S3Storage"
    assert storage["OPTIONS"] == {
        "bucket_name": "slides",
        "file_overwrite": True,
        "default_acl": None,
        "endpoint_url": "https://s3.example",
    }
