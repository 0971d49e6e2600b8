"""On which event loop does a gateway run? The one that its settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from gateway.settings import Server

__all__ = ["run_on_loop"]


def run_on_loop(settings: Server, work: Coroutine[Any, Any, None]) -> None:
    """Run this on a new event loop until it ends."""
    factory = asyncio.new_event_loop
    if settings.loop == "uvloop":
        import uvloop  # noqa: PLC0415 - an extra

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work)
