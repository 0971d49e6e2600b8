"""What does a scrape see? What the gateway counted, and what the ledger says now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from gateway.ledger.database import LedgerUnavailable
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import ACTIVE, UNDECIDED
from gateway.ledger.tally import Tally, Waiting
from gateway.telemetry import catalogue
from gateway.telemetry.catalogue import OTHER
from gateway.telemetry.metrics import Metrics, Reading, Series

__all__ = ["Exposition"]

_LEDGER_S: Final = 2.0
_OPERATION_STATES: Final = sorted(ACTIVE | UNDECIDED)
_DISCARD_STATES: Final = ("NEEDS_HUMAN", "OWED", "SENDING")


class Exposition:
    """Answers scrapes. The ledger is asked each time, because all gateways that share it say the same of it."""

    def __init__(
        self, metrics: Metrics, ledger: Ledger, operators: Collection[str], version: str, clock: Callable[[], float]
    ) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._operators = sorted(operators)
        self._version = version
        self._clock = clock

    async def scrape(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in a format that is accepted, and its name."""
        reading = {catalogue.INFO: [((self._version,), 1.0)], **await self._read()}
        self._metrics.keep()
        # In a thread, because a thousand series take longer than a call may be kept waiting.
        return await asyncio.to_thread(self._metrics.exposed, reading, accept)

    async def _read(self) -> Reading:
        try:
            async with asyncio.timeout(_LEDGER_S):
                tally = await self._ledger.tally()
        except (LedgerUnavailable, TimeoutError):
            return {catalogue.LEDGER_READABLE: [((), 0.0)]}
        return {catalogue.LEDGER_READABLE: [((), 1.0)], **self._series(tally)}

    def _series(self, tally: Tally) -> Reading:
        return {
            catalogue.LEDGER_OPERATIONS: [*self._counts(tally.operations, _OPERATION_STATES)],
            catalogue.LEDGER_OLDEST: [*self._ages(tally.operations, _OPERATION_STATES)],
            catalogue.LEDGER_DISCARDS: [*self._counts(tally.discards, _DISCARD_STATES)],
            catalogue.WEBHOOKS_WAITING: [*self._counts(tally.webhooks, ())],
            catalogue.WEBHOOKS_OLDEST: [*self._ages(tally.webhooks, ())],
        }

    def _counts(self, rows: Iterable[Waiting], states: Collection[str]) -> Iterator[Series]:
        for labels, found in self._grouped(rows, states):
            yield labels, float(sum(row.count for row in found))

    def _ages(self, rows: Iterable[Waiting], states: Collection[str]) -> Iterator[Series]:
        now = self._clock()
        for labels, found in self._grouped(rows, states):
            yield labels, max((now - row.since for row in found), default=0.0)

    def _grouped(
        self, rows: Iterable[Waiting], states: Collection[str]
    ) -> Iterator[tuple[tuple[str, ...], list[Waiting]]]:
        """Yield the rows of each operator and state, also where there are none; without states all states are one."""
        found = tuple(rows)
        known = {*self._operators}
        for operator in (*self._operators, OTHER):
            ours = [row for row in found if (row.operator if row.operator in known else OTHER) == operator]
            if operator == OTHER and not ours:
                continue
            if not states:
                yield (operator,), ours
            for state in states:
                yield (operator, state), [row for row in ours if row.state == state]
