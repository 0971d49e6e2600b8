"""How does a person, or a program, read what happens? Lines on standard error: one a call, and one for whatever goes wrong.

All loggers of the process end in the same form: the gateway's from the level that is set on, those of libraries from
``warning`` on. A line that is written while a call is served says which request and trace it belongs to.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor

from gateway.telemetry import CURRENT

__all__ = ["log_to_stderr"]

_FIRST: Final = ("timestamp", "level", "logger", "event")


def _of_the_call(_: Any, __: str, event: EventDict) -> EventDict:  # noqa: ANN401 - structlog's signature
    """Say which request and trace a line belongs to, unless it says so itself."""
    record = CURRENT.get()
    if record is not None:
        event.setdefault("request_id", record.request_id)
        if record.context is not None:
            event.setdefault("trace_id", record.context.trace_id)
    return event


def _in_order(_: Any, __: str, event: EventDict) -> EventDict:  # noqa: ANN401
    """Begin with what all lines have."""
    return {**{key: event.pop(key) for key in _FIRST}, **event}


def _tame(_: Any, __: str, event: EventDict) -> EventDict:  # noqa: ANN401
    """Write what callers chose in such a way that it can neither pass for more of the line nor steer a terminal."""
    for key, value in event.items():
        if key in ("event", "exception"):
            event[key] = "".join(map(_escaped, value))
        elif isinstance(value, str) and (" " in value or not value.isprintable()):
            event[key] = repr(value)
    if "\n" in event["event"]:
        event["event"] = event["event"].replace("\n", "\\n")
    return event


def _escaped(character: str) -> str:
    return character if character.isprintable() or character == "\n" else repr(character)[1:-1]


def _renderers(form: str) -> tuple[Processor, ...]:
    is_terminal = sys.stderr.isatty()
    if form == "json" or (form == "auto" and not is_terminal):
        return (JSONRenderer(),)
    console = ConsoleRenderer(colors=is_terminal, sort_keys=False, pad_event_to=0, exception_formatter=plain_traceback)
    return _tame, console


@contextmanager
def log_to_stderr(level: str, form: str = "auto") -> Iterator[None]:
    """Write what is logged to standard error, from this level on; ``form`` is ``json``, ``text`` or ``auto``."""
    ours, everybody = logging.getLogger("gateway"), logging.getLogger()
    before = ours.level, everybody.level
    chain: tuple[Processor, ...] = (add_log_level, add_logger_name, ExtraAdder(), _of_the_call, format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*chain, TimeStamper(fmt="iso", utc=True)],
            processors=[ProcessorFormatter.remove_processors_meta, _in_order, *_renderers(form)],
        )
    )
    everybody.addHandler(handler)
    ours.setLevel(level.upper())
    everybody.setLevel(max(logging.WARNING, ours.level))
    try:
        yield
    finally:
        ours.setLevel(before[0])
        everybody.setLevel(before[1])
        everybody.removeHandler(handler)
