"""May a try be repeated within its RPC, and after how long?

A READ changes nothing: it is repeated when the platform was unreachable, unavailable, silent or asked for patience. Every
other call is repeated only if nothing of it was sent; what may have been sent is the ledger's business.
"""

from __future__ import annotations

import random
from typing import Final, Protocol

from gateway.contract.routes import Route
from gateway.failure import Reason
from gateway.wire.attempt import Attempt, Stage

__all__ = ["Patience", "delay_before_repeat_s"]

_WORTH_A_REPEAT: Final = frozenset(
    {Reason.UPSTREAM_UNREACHABLE, Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_TIMEOUT, Reason.RATE_LIMITED}
)


class Patience(Protocol):
    """How often and how fast."""

    @property
    def tries(self) -> int:
        """Tries at most, the first one included."""

    @property
    def backoff_s(self) -> float:
        """Longest delay before the first repeat; doubled before each later one."""


def delay_before_repeat_s(route: Route, done: Attempt, tries: int, patience: Patience) -> float | None:
    """Return the seconds to wait before the next try, after so many; None where there may be none."""
    failure = done.failure
    if failure is None or failure.reason not in _WORTH_A_REPEAT or tries >= patience.tries:
        return None
    if not route.call_class.is_read and done.stage is not Stage.NEVER_SENT:
        return None
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    longest = patience.backoff_s * 2.0 ** (tries - 1)
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter
