"""What was logged? The lines as they are told: what happened, and the fields that say more."""

from __future__ import annotations

import logging
from typing import Any, Final

import pytest

__all__ = ["calls", "facts_of", "lines"]

_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record says beyond its message."""
    return {key: value for key, value in vars(record).items() if key not in _OF_EVERY_RECORD}


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return all lines, each with its message as ``event``."""
    return [{"event": record.getMessage(), **facts_of(record)} for record in caplog.records]


def calls(caplog: pytest.LogCaptureFixture, hop: str = "rpc") -> list[dict[str, Any]]:
    """Return the fields of the lines about calls of one kind, without how long they took."""
    found = [line for line in lines(caplog) if line.pop("event") == hop]
    for line in found:
        assert line.pop("seconds") >= 0
    return found
