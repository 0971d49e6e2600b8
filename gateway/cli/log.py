"""How does a person read what happens? Lines on standard error, one a call and one for whatever goes wrong."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["log_to_stderr"]

_LINE: Final = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s  %(message)s"
_TIME: Final = "%Y-%m-%dT%H:%M:%S"


class _Lines(logging.Formatter):
    """Writes UTC times, and what callers chose in such a way that it cannot pass for a line of its own."""

    converter = staticmethod(time.gmtime)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without what is appended to it."""
        line = super().formatMessage(record)
        return line if line.isprintable() else "".join(map(_escaped, line))


def _escaped(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


@contextmanager
def log_to_stderr(level: str) -> Iterator[None]:
    """Write what the gateway logs to standard error, from this level on."""
    logger = logging.getLogger("gateway")
    before = logger.level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(_LINE, _TIME))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
