"""A database that is away for a moment, and one that stays away."""

from typing import Any

import pytest
from django.db import OperationalError

from training.runner import patience


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(patience.connection, "close", lambda: None)


def test_a_moment_without_database_is_waited_for() -> None:
    tries: list[int] = []

    def ask() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("the database system is shutting down")
        return "here"

    assert patience.patiently(ask) == "here"
    assert len(tries) == 3


def test_a_database_that_stays_away_is_an_error(settings: Any) -> None:
    settings.RUN_SILENCE_SECONDS = -1

    def ask() -> None:
        raise OperationalError("no")

    with pytest.raises(OperationalError):
        patience.patiently(ask)


def test_other_errors_are_not_repeated() -> None:
    def ask() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        patience.patiently(ask)
