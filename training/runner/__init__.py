"""Execute a claimed run in a child process and deliver what it makes."""

from training.runner.execution import execute

__all__ = ["execute"]
