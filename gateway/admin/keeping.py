"""When do the numbers of one worker get to where all workers have theirs? Twice a second, and at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from gateway.telemetry.metrics import Metrics

__all__ = ["kept"]

_EVERY_S: Final = 0.5


@asynccontextmanager
async def kept(metrics: Metrics) -> AsyncIterator[None]:
    """Keep numbers up to date for other workers until the block ends; without others each scrape does it."""
    if not metrics.is_shared:
        yield
        return
    keeping = asyncio.create_task(_keep(metrics), name="keeping of metrics")
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        metrics.keep()


async def _keep(metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(_EVERY_S)
        metrics.keep()
