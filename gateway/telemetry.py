"""What happened? One record a call, and counts of what the contract did not foresee."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["CallRecord", "Telemetry"]

LOG: Final = logging.getLogger("gateway")

_NAMES_LIMIT: Final = 1000
"""Distinct names counted one by one; the platform chooses them, so there has to be an end."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One RPC from arrival to answer; nothing in it is personal data. ``reason`` is empty for OK."""

    rpc: str
    operator: str
    request_id: str
    reason: str
    seconds: float


class Telemetry:
    """Takes what happened and passes it to the log; the counts can be read."""

    def __init__(self) -> None:
        self.unmapped_fields: Counter[str] = Counter()
        self.unmapped_codes: Counter[str] = Counter()
        self.webhooks: Counter[str] = Counter()

    def finished(self, record: CallRecord) -> None:
        """Take one finished call."""
        if LOG.isEnabledFor(logging.INFO):
            LOG.info(
                "rpc=%s operator=%s request_id=%s reason=%s seconds=%.6f",
                record.rpc,
                record.operator,
                record.request_id,
                record.reason or "OK",
                record.seconds,
            )

    def fault(self, error_id: str, rpc: str, error: BaseException) -> None:
        """Take an exception that nobody expected; its text goes to the log and nowhere else."""
        LOG.error("error_id=%s rpc=%s unexpected exception", error_id, rpc, exc_info=error)

    def lost(self, names: Iterable[str]) -> None:
        """Count values that went to ``unmapped``, each by ``Message.key``."""
        for name in names:
            _count(self.unmapped_fields, name)

    def webhook(self, what: str) -> None:
        """Count what became of a delivery: ``accepted``, ``repeated``, ``unsigned``, ``out of place`` and the like."""
        self.webhooks[what] += 1

    def alert(self, what: str, **facts: str) -> None:
        """Count and log something that somebody has to look at; no personal data."""
        self.webhooks[what] += 1
        LOG.error("%s: %s", what, " ".join(f"{key}={value}" for key, value in facts.items()))

    def unknown_code(self, api: str, code: str) -> None:
        """Count a platform code that no table knows."""
        _count(self.unmapped_codes, f"{api}:{code}")


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < _NAMES_LIMIT else "other"] += 1
