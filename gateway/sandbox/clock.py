"""What time is it in the sandbox, and how does it become later there than elsewhere?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.sandbox.options import Clock

__all__ = ["SteerableClock"]

# The end of the year 9998: what is planned for some days later can still be written with four digits for the year.
_END: Final = 253_370_764_800


class SteerableClock:
    """A clock that goes as another one does, and can be moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = 0.0
        self._listeners: list[Callable[[], None]] = []

    def __call__(self) -> float:
        """Return the time, as Unix time in seconds."""
        return self._clock() + self._offset

    @property
    def offset(self) -> float:
        """How many seconds it has been moved in all."""
        return self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock, back if negative; ValueError if it would leave the years 1970 to 9998."""
        if not 0 <= self() + seconds < _END:
            raise ValueError("the time has to stay within the years 1970 to 9998")
        self._offset += seconds
        for listener in self._listeners:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever it has been moved; what is due later may be due now. It must not wait or raise."""
        self._listeners.append(listener)
