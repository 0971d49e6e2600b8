"""How does a person, or a program, read what happens? Lines on standard error: one a call, and one for whatever goes wrong.

All loggers of the process end in the same form: the gateway's from the level that is set on, those of libraries from
``warning`` on. A line that is written while a call is served says which request and trace it belongs to.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer
from structlog.typing import EventDict

from gateway.telemetry import CURRENT

__all__ = ["log_to_stderr"]

_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_ENCODER: Final = json.JSONEncoder(default=repr)


class _Lines(logging.Formatter):
    """Makes an event of a log record and renders it.

    It does what structlog's own formatter for other loggers does, at a third of the cost, which every call bears.
    """

    def __init__(self, form: str, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_json = form == "json" or (form == "auto" and not is_terminal)
        self._json = JSONRenderer(serializer=lambda event, **_: _ENCODER.encode(event))
        self._text = ConsoleRenderer(
            colors=is_terminal, sort_keys=False, pad_event_to=0, exception_formatter=plain_traceback
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        event = self._event(record)
        line = self._json(None, "", event) if self._is_json else self._text(None, "", _tame(event))
        return str(line)

    def _event(self, record: logging.LogRecord) -> EventDict:
        event: dict[str, Any] = {
            "timestamp": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        event.update((key, value) for key, value in vars(record).items() if key not in _OF_EVERY_RECORD)
        call = CURRENT.get()
        if call is not None:
            event.setdefault("request_id", call.request_id)
            if call.context is not None:
                event.setdefault("trace_id", call.context.trace_id)
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return event


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tame(event: EventDict) -> EventDict:
    """Write what callers chose in such a way that it can neither pass for a line of its own nor steer a terminal."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            kept = "\n" if key == "exception" else ""
            event[key] = "".join(each if each.isprintable() or each in kept else repr(each)[1:-1] for each in value)
    return event


@contextmanager
def log_to_stderr(level: str, form: str = "auto") -> Iterator[None]:
    """Write what is logged to standard error, from this level on; ``form`` is ``json``, ``text`` or ``auto``."""
    ours, everybody = logging.getLogger("gateway"), logging.getLogger()
    before = ours.level, everybody.level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(form, is_terminal=sys.stderr.isatty()))
    everybody.addHandler(handler)
    ours.setLevel(level.upper())
    everybody.setLevel(max(logging.WARNING, ours.level))
    try:
        yield
    finally:
        ours.setLevel(before[0])
        everybody.setLevel(before[1])
        everybody.removeHandler(handler)
