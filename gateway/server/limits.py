"""How much is too much? Calls in flight, in all and of one operator, and calls of one operator a second.

Beyond a limit nothing is sent and nothing is written. What is counted are calls on their way to the platform; the rate
counts what goes out, so that repeats and what reconciliation asks are spent from the same bucket, which then may owe some.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from gateway.failure import Failure, Reason
from gateway.settings import LimitsTable

__all__ = ["Limits", "Place"]

_SOON_S = 0.5
"""When a place may be free again, in seconds; nobody knows how long the calls before will take."""


@dataclass(slots=True)
class _Bucket:
    """Tokens that come back with time; negative where more was spent than there was."""

    tokens: float
    at: float

    def refill(self, rate: float, burst: float, now: float) -> None:
        self.tokens = min(burst, self.tokens + (now - self.at) * rate)
        self.at = now


class Place:
    """The place of one call among those in flight, taken for as long as a block runs."""

    __slots__ = ("_limits", "_operator")

    def __init__(self, limits: Limits, operator: str) -> None:
        self._limits = limits
        self._operator = operator

    def __enter__(self) -> None:
        self._limits.take(self._operator)

    def __exit__(self, *_: object) -> None:
        self._limits.give_back(self._operator)


class Limits:
    """The limits of one process; ``settings`` gives those in force, of which each of ``workers`` has its share."""

    def __init__(
        self, settings: Callable[[], LimitsTable], workers: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._workers = workers
        self._clock = clock
        self._in_flight = 0
        self._of_operator: Counter[str] = Counter()
        self._buckets: dict[str, _Bucket] = {}

    @property
    def request_bytes(self) -> int:
        """Largest request that is taken, in bytes."""
        return self._settings().request_bytes

    def place(self, operator: str) -> Place:
        """Return what counts a call as in flight meanwhile."""
        return Place(self, operator)

    def take(self, operator: str) -> None:
        """Count a call as in flight; raises OVER_LIMIT with the time after which it may be tried again."""
        settings = self._settings()
        self._require_place(self._in_flight, settings.calls, "limits.calls")
        if settings.operator_calls is not None:
            self._require_place(self._of_operator[operator], settings.operator_calls, "limits.operator_calls")
        if settings.operator_rate is not None:
            self._take(operator, settings.operator_rate / self._workers, settings)
        self._in_flight += 1
        self._of_operator[operator] += 1

    def give_back(self, operator: str) -> None:
        """Count it no more."""
        self._in_flight -= 1
        self._of_operator[operator] -= 1

    def spend(self, operator: str) -> None:
        """Count a call that goes out without having been asked for by a caller of its own."""
        settings = self._settings()
        if settings.operator_rate is not None:
            self._bucket(operator, settings.operator_rate / self._workers, settings).tokens -= 1

    def _require_place(self, taken: int, limit: int, setting: str) -> None:
        if taken >= -(-limit // self._workers):
            raise _over(f"{taken} calls are in flight, which is the limit ({setting})", _SOON_S)

    def _take(self, operator: str, rate: float, settings: LimitsTable) -> None:
        bucket = self._bucket(operator, rate, settings)
        if bucket.tokens < 1:
            wait_s = (1 - bucket.tokens) / rate
            raise _over(f"operator {operator} has no call left this second (limits.operator_rate)", wait_s)
        bucket.tokens -= 1

    def _bucket(self, operator: str, rate: float, settings: LimitsTable) -> _Bucket:
        now = self._clock()
        burst = max((settings.operator_burst or settings.operator_rate or 0) / self._workers, 1)
        bucket = self._buckets.setdefault(operator, _Bucket(burst, now))
        bucket.refill(rate, burst, now)
        return bucket


def _over(why: str, retry_after_s: float) -> Failure:
    return Failure(Reason.OVER_LIMIT, f"{why}; nothing was sent", retry_after_s=retry_after_s)
