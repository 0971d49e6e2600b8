"""What happened? Records of calls and counts of what the contract did not foresee, passed to whoever takes them."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

from gateway.telemetry import catalogue
from gateway.telemetry.catalogue import Metric
from gateway.telemetry.record import CURRENT, CallRecord, Hop
from gateway.telemetry.sink import CallLog, Sink

__all__ = ["Telemetry"]

LOG: Final = logging.getLogger("gateway")

_NAMES_LIMIT: Final = 1000
"""Distinct names counted one by one; the platform chooses them, so there has to be an end."""


class Telemetry:
    """Takes what happened and passes it to the log and the other sinks; the counts can be read."""

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        told = (CallLog(LOG), *sinks)
        self._begun = tuple(sink.begun for sink in told if type(sink).begun is not Sink.begun)
        self._ended = tuple(sink.ended for sink in told if type(sink).ended is not Sink.ended)
        self._measured = tuple(sink.measured for sink in told if type(sink).measured is not Sink.measured)
        self.unmapped_fields: Counter[str] = Counter()
        self.unmapped_codes: Counter[str] = Counter()
        self.webhooks: Counter[str] = Counter()

    def begin(self, record: CallRecord) -> None:
        """Take a call that begins; until it ends, what is done is done for it."""
        record.within = within = CURRENT.get()
        if within is not None:
            record.request_id = record.request_id or within.request_id
            record.trace = record.trace or within.context
        record.began = time.perf_counter()
        for begun in self._begun:
            begun(record)
        CURRENT.set(record)

    def end(self, record: CallRecord) -> None:
        """Take a call that ended."""
        record.seconds = time.perf_counter() - record.began
        within = record.within
        CURRENT.set(within)
        if within is not None and record.hop is Hop.UPSTREAM:
            within.api, within.stage, within.http_status = record.api, record.stage, record.code
        for ended in self._ended:
            ended(record)

    def measured(self, metric: Metric, labels: tuple[str, ...] = (), value: float = 1) -> None:
        """Take a number that is no call's."""
        for measured in self._measured:
            measured(metric, labels, value)

    def breaker(self, host: str, *, is_open: bool) -> None:
        """Take that the circuit breaker of a host opened or closed."""
        self.measured(catalogue.BREAKER_OPEN, (host,), is_open)
        if is_open:
            self.measured(catalogue.BREAKER_OPENED, (host,))
        LOG.warning("the circuit breaker %s", "opened" if is_open else "closed", extra={"host": host})

    def named(self, request_id: str) -> None:
        """Say which request id the call that is being served has."""
        record = CURRENT.get()
        if record is not None:
            record.request_id = request_id

    def fault(self, error_id: str, rpc: str, error: BaseException) -> None:
        """Take an exception that nobody expected; its text goes to the log and nowhere else."""
        self.measured(catalogue.FAULTS)
        about = {"error_id": error_id, "call": rpc}
        LOG.error("unexpected exception, error %s", error_id, exc_info=error, extra=about)

    def lost(self, names: Iterable[str]) -> None:
        """Count values that went to ``unmapped``, each by ``Message.key``."""
        for name in names:
            self.measured(catalogue.UNMAPPED_FIELDS, (_count(self.unmapped_fields, name),))

    def webhook(self, what: str) -> None:
        """Count what became of a delivery: ``accepted``, ``repeated``, ``no signature``, ``malformed`` and the like."""
        self.webhooks[what] += 1
        self.measured(catalogue.WEBHOOK_OUTCOMES, (what.replace(" ", "_"),))

    def alert(self, what: str, **facts: str) -> None:
        """Count and log something that somebody has to look at; no personal data."""
        self.webhook(what)
        LOG.error(what, extra=facts)

    def unknown_code(self, api: str, code: str) -> None:
        """Count a platform code that no table knows."""
        counted = _count(self.unmapped_codes, f"{api}:{code}")
        self.measured(catalogue.UNMAPPED_CODES, (api, counted.rpartition(":")[2]))


def _count(counter: Counter[str], name: str) -> str:
    """Count a name, or that there are too many of them, and return what was counted."""
    counted = name if name in counter or len(counter) < _NAMES_LIMIT else "other"
    counter[counted] += 1
    return counted
