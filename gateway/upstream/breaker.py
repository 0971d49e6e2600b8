"""Is it worth calling this host now? A circuit breaker: it opens when most calls fail, and lets one through to find out.

It opens when, of at least ``breaker_calls`` calls in ``breaker_window_s``, more than half ended unreachable, timed out or
in 502 to 504. After ``breaker_pause_s`` it lets one READ through, or, when none came within as long again, one call of any
class. Any answer of the host except 502 to 504, a refusal included, closes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Protocol

__all__ = ["Breaker", "BreakerSettings", "Outcome"]


class Outcome(Enum):
    """How a call ended, as far as the host's health is concerned."""

    ANSWERED = "answered"
    BROKEN = "broken"
    DOWN = "unreachable, timed out, or 502 to 504"


class BreakerSettings(Protocol):
    """When it opens and for how long; seconds."""

    @property
    def breaker_calls(self) -> int:
        """Calls that have to be seen before it opens."""

    @property
    def breaker_window_s(self) -> float:
        """How far back calls count."""

    @property
    def breaker_pause_s(self) -> float:
        """How long nothing is let through."""

    @property
    def timeout_s(self) -> float:
        """How long the one call that was let through may take to report."""


class _Window:
    """Counts of calls and failures over the last seconds, in tenths of the window."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._slots: deque[tuple[float, int, int]] = deque()

    def add(self, now: float, *, failed: bool) -> None:
        slot_s = self._length_s / 10
        if self._slots and now - self._slots[-1][0] < slot_s:
            start, calls, failures = self._slots.pop()
        else:
            start, calls, failures = now, 0, 0
        self._slots.append((start, calls + 1, failures + failed))
        while now - self._slots[0][0] > self._length_s:
            self._slots.popleft()

    def totals(self) -> tuple[int, int]:
        return sum(slot[1] for slot in self._slots), sum(slot[2] for slot in self._slots)

    def clear(self) -> None:
        self._slots.clear()


class Breaker:
    """The breaker of one host; ``clock`` is monotonic seconds."""

    def __init__(self, settings: BreakerSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._window = _Window(settings.breaker_window_s)
        self._opened: float | None = None
        self._probe: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self._opened is not None

    def wait_s(self, *, is_read: bool) -> float:
        """Return how long a call has to wait, in seconds; 0 lets it through."""
        if self._opened is None:
            return 0
        now = self._clock()
        pause_s = self._settings.breaker_pause_s
        ready = self._opened + (pause_s if is_read else 2 * pause_s)
        if self._probe is not None:
            ready = max(ready, self._probe + self._settings.timeout_s)
        return max(ready - now, 0)

    def enter(self, *, is_read: bool) -> float:
        """Return the same, and take the place of the one call that finds out, if this is it."""
        wait_s = self.wait_s(is_read=is_read)
        if self._opened is not None and not wait_s:
            self._probe = self._clock()
        return wait_s

    def report(self, outcome: Outcome) -> None:
        """Take how a call ended."""
        now = self._clock()
        if self._opened is not None:
            self._report_while_open(outcome, now)
            return
        self._window.add(now, failed=outcome is Outcome.DOWN)
        calls, failures = self._window.totals()
        if calls >= self._settings.breaker_calls and failures * 2 > calls:
            self._opened, self._probe = now, None

    def _report_while_open(self, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.ANSWERED:
            self._opened = self._probe = None
            self._window.clear()
        elif self._probe is not None:
            self._opened, self._probe = now, None
