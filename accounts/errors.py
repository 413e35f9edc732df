"""Refusals that a person can act on."""

from typing import Any


class ApplicationError(Exception):
    """A refusal. The message says what was found, what was expected and what to do."""

    status = 400

    def __init__(self, message: str, extra: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = str(message)
        self.extra = extra or {}


class Conflict(ApplicationError):
    """Somebody or something else was there first."""

    status = 409


class TooLarge(ApplicationError):
    """More bytes than this site accepts."""

    status = 413


class DiskIsFull(ApplicationError):
    """No space is left; the operator can act."""

    status = 507


class OutOfReach(ApplicationError):
    """A part that this needs does not answer; trying again later may help."""

    status = 503
