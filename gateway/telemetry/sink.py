"""Who wants to know what happened? Sinks: each does one thing with the same records."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from gateway.telemetry.catalogue import Metric
from gateway.telemetry.record import CallRecord, Hop

__all__ = ["CallLog", "Sink"]

_LEVELS: Final[Mapping[Hop, int]] = {
    Hop.RPC: logging.INFO,
    Hop.WEBHOOK: logging.INFO,
    Hop.UPSTREAM: logging.DEBUG,
    Hop.DISPATCH: logging.DEBUG,
}


class Sink:
    """Takes what happened. What a sink does not override costs nothing."""

    def begun(self, record: CallRecord) -> None:
        """Take a call that begins."""

    def ended(self, record: CallRecord) -> None:
        """Take a call that ended."""

    def measured(self, metric: Metric, labels: tuple[str, ...], value: float) -> None:
        """Take a number that is no call's: a counter's increase, a gauge's value, what a histogram observes."""


class CallLog(Sink):
    """Writes one line a call."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log

    def ended(self, record: CallRecord) -> None:
        """Write the line, unless nobody listens."""
        level = _LEVELS[record.hop]
        if self._log.isEnabledFor(level):
            self._log.log(level, record.hop.value, extra=_told(record))


def _told(record: CallRecord) -> Mapping[str, Any]:
    told: dict[str, Any] = {
        "call": record.name,
        "caller": record.caller,
        "operator": record.operator,
        "request_id": record.request_id,
        "action": record.action,
        "code": record.code,
        "reason": record.reason,
        "execution": record.execution,
        "replay": record.is_replay,
        "api": record.api,
        "stage": record.stage,
        "http_status": record.http_status,
        "seconds": round(record.seconds, 6),
        "trace_id": record.context.trace_id if record.context else "",
    }
    return {key: value for key, value in told.items() if value not in ("", False)}
