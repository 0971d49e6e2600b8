"""Has something changed in this process that somebody waits for? A bell for each key, forgotten when nobody listens."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

__all__ = ["Bell"]


class Bell:
    """Wakes those who wait for a key; whoever waits is woken once."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, set[asyncio.Future[None]]] = {}

    def ring(self, key: Hashable) -> None:
        """Wake everybody who waits for this key now."""
        for future in self._waiting.pop(key, ()):
            if not future.done():
                future.set_result(None)

    async def heard(self, key: Hashable, at_most_s: float) -> None:
        """Wait for the next ring of this key, at most so many seconds."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(future)
        try:
            await asyncio.wait({future}, timeout=at_most_s)
        finally:
            waiting = self._waiting.get(key)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    del self._waiting[key]
            future.cancel()
