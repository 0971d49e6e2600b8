"""How does long work leave the event loop to others? In short turns, and one such work at a time.

A thread would not do: it would hold the interpreter's lock for its whole turn whenever the loop wants to go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Final, TypeVar

__all__ = ["GivingWay"]

_TURN_S: Final = 0.002
"""How long others wait at most, in seconds, but for what the work does between two pauses."""

T = TypeVar("T")


class GivingWay:
    """Long works of one loop: together they hold it up no longer than one alone. ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._turns = asyncio.Lock()

    async def result_of(self, work: Generator[None, None, T]) -> T:
        """Do a work that offers pauses, and return its result; raises what it raises."""
        async with self._turns:
            ends = self._clock() + _TURN_S
            try:
                while True:
                    next(work)
                    if self._clock() >= ends:
                        await asyncio.sleep(0)
                        ends = self._clock() + _TURN_S
            except StopIteration as end:
                result: T = end.value
                return result
