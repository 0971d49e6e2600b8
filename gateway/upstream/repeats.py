"""May a try be repeated within its RPC, and after how long?

A READ changes nothing: it is repeated when the platform was unreachable, unavailable, silent or asked for patience. Every
other call is repeated only if nothing of it was sent; what may have been sent is the ledger's business.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from gateway.contract.routes import Route
from gateway.failure import Reason
from gateway.wire.attempt import Attempt, Stage

__all__ = ["Patience", "repeated"]

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


async def repeated(
    route: Route, attempt: Callable[[float], Awaitable[Attempt]], budget_s: float, patience: Patience
) -> Attempt:
    """Try until there is an answer, the tries are used up, or the next delay does not fit into ``budget_s`` seconds.

    ``attempt`` is given the seconds that are left.
    """
    end = time.monotonic() + budget_s
    number = 1
    while True:
        done = await attempt(max(end - time.monotonic(), 0))
        delay = _delay(route, done, number, patience)
        if delay is None or number >= patience.tries or delay >= end - time.monotonic():
            return done
        await asyncio.sleep(delay)
        number += 1


def _delay(route: Route, done: Attempt, number: int, patience: Patience) -> float | None:
    """Return the seconds to wait before the next try; None where there may be none."""
    failure = done.failure
    if failure is None or failure.reason not in _WORTH_A_REPEAT:
        return None
    if not route.call_class.is_read and done.stage is not Stage.NEVER_SENT:
        return None
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    longest = patience.backoff_s * 2.0 ** (number - 1)
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter
