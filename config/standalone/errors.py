"""What stops a start."""


class CannotStart(Exception):
    """The stack cannot run here. The message says what was found and what to do about it."""
