"""The last lines of what a run said, with the time of day."""

from collections import deque

from django.utils import timezone

LINES_KEPT = 200
LONGEST_LINE = 500


class LogTail:
    """Keeps the newest lines."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)

    def add(self, text: str) -> None:
        """Add each line of a text."""
        now = timezone.localtime().strftime("%H:%M:%S")
        for line in text.splitlines():
            if line.strip():
                self._lines.append(f"{now} {line[:LONGEST_LINE]}")

    @property
    def last(self) -> str:
        """The newest line, without its time."""
        return self._lines[-1].partition(" ")[2] if self._lines else ""

    def __str__(self) -> str:
        return "\n".join(self._lines)
