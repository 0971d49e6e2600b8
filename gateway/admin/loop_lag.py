"""Does the event loop keep up? Everything that is served waits as long as it is late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from gateway.telemetry import Telemetry
from gateway.telemetry.catalogue import LOOP_LAG

__all__ = ["watched_loop"]

_EVERY_S: Final = 0.5


@asynccontextmanager
async def watched_loop(telemetry: Telemetry) -> AsyncIterator[None]:
    """Measure how late the loop is until the block ends."""
    watching = asyncio.create_task(_watch(telemetry), name="loop lag")
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(telemetry: Telemetry) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _EVERY_S
        await asyncio.sleep(_EVERY_S)
        telemetry.measured(LOOP_LAG, value=max(loop.time() - due, 0))
