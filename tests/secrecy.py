"""Does anything secret or personal get out? Whatever the gateway tells during a test is searched for what has to stay in.

Every line that it logs passes here, at every level, and so do the errors, metrics and spans that tests receive.
"""

from __future__ import annotations

import logging
import re
from typing import Final

from tests.logs import facts_of

__all__ = ["SECRETS", "Watch", "look", "secrets_told"]

SECRETS: Final = (
    "12345ABCDE",  # the key of the published samples
    "s3cret-Key",
    *("S3cret", "old-S3cret", "new-S3cret", "now-S3cret", "other-S3cret"),
    "t0ken",
    "UnIqUe-ToKeN",
    "sometokenvalue",
    "demo",  # a player's token
    "260977223120",
    "213456451",
    "254700000000",
    "1234",  # a one-time password
    "5678",
)
_SEARCH: Final = re.compile(rf"(?<![\w./-])({'|'.join(map(re.escape, SECRETS))})(?![\w./-])")

_found: list[str] = []


def look(where: str, text: str) -> str:
    """Search what was told, remember what should not be in it, and return it."""
    match = _SEARCH.search(text)
    if match is not None:
        _found.append(f"{match[0]!r} in {where}: {text[max(match.start() - 200, 0) : match.end() + 200]}")
    return text


def secrets_told() -> list[str]:
    """Return what was found since the last time."""
    found = _found.copy()
    _found.clear()
    return found


class Watch(logging.Handler):
    """Searches every line, as it would be written."""

    _formatter: Final = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Search a line, and the exception that belongs to it."""
        text = f"{record.getMessage()} {facts_of(record)}"
        if record.exc_info:
            text += self._formatter.formatException(record.exc_info)
        look("the log", text)
