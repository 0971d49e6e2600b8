"""Fixtures of the ledger's tests: a clock that is moved, and a ledger of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.ledger.ledger import Ledger
from tests.ledger.rows import Clock, ledger_at


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
async def ledger(ledger_url: str, clock: Clock) -> AsyncIterator[Ledger]:
    """Return a ledger of each kind."""
    async with ledger_at(ledger_url, clock) as opened:
        yield opened


@pytest.fixture
async def neighbour(ledger_url: str, clock: Clock, ledger: Ledger) -> AsyncIterator[Ledger]:
    """Return the same ledger as another gateway has it."""
    assert ledger
    async with ledger_at(ledger_url, clock) as opened:
        yield opened
