"""Is it worth calling this host now? A circuit breaker: it opens when most calls fail, and lets one through to find out.

It opens when, of at least ``breaker_calls`` calls in ``breaker_window_s``, more than half ended unreachable, timed out or
in 502 to 504. After ``breaker_pause_s`` it lets one READ through, or, when none came within as long again, one call of any
class. Any answer of the host except 502 to 504, a refusal included, closes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(slots=True)
class _Slot:
    start: float
    calls: int = 0
    failures: int = 0


class _Window:
    """Counts of calls and failures over the last seconds, in tenths of the window, and their sums."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._slot_s = length_s / 10
        self._slots: deque[_Slot] = deque()
        self.calls = 0
        self.failures = 0

    def add(self, now: float, *, failed: bool) -> None:
        slots = self._slots
        if not slots or now - slots[-1].start >= self._slot_s:
            slots.append(_Slot(now))
            self._forget(now - self._length_s)
        slots[-1].calls += 1
        slots[-1].failures += failed
        self.calls += 1
        self.failures += failed

    def _forget(self, before: float) -> None:
        while self._slots[0].start < before:
            gone = self._slots.popleft()
            self.calls -= gone.calls
            self.failures -= gone.failures

    def clear(self) -> None:
        self._slots.clear()
        self.calls = self.failures = 0


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
        calls, failures = self._window.calls, self._window.failures
        if failures * 2 > calls >= self._settings.breaker_calls:
            self._opened, self._probe = now, None

    def _report_while_open(self, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.ANSWERED:
            self._opened = self._probe = None
            self._window.clear()
        elif self._probe is not None:
            self._opened, self._probe = now, None
