"""How log lines look, and what is kept out of them."""

import logging
import re
from types import TracebackType

# Postgres adds the offending row to its errors; rows hold case names and comments.
ROW_LINES = re.compile(r"^(DETAIL|CONTEXT|HINT):.*\n?", re.MULTILINE)

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class WithoutRows(logging.Formatter):
    """Leave out the lines of a database error that quote rows."""

    def formatException(self, ei: ExceptionInfo) -> str:
        return ROW_LINES.sub("", super().formatException(ei)).rstrip()
