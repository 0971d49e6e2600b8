"""What is a call on its way? A value, and steps that each do one thing to it.

Nothing here knows a gRPC runtime: a ``Call`` goes in, a message comes out or a ``Failure`` is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from google.protobuf.message import Message

from gateway.callers import Caller
from gateway.contract.routes import Route
from gateway.telemetry import Trace

__all__ = ["Call", "Check", "Proceed", "Roads", "Step", "chain", "checked"]


@dataclass(slots=True, eq=False)
class Call:
    """One RPC on its way; nothing of it is set anew, but freezing it would cost more than making it.

    ``operator`` is the one named in the request or the default, ``request_id`` the caller's or one made here. ``caller`` is
    None where the gateway does not know it. ``size`` is the request's in bytes; ``unreadable`` says that they were no such
    request. ``deadline`` is on the clock of ``time.monotonic``, None where the caller set none. ``trace`` is what it was
    called with. ``reply_metadata`` takes what goes out as initial metadata.
    """

    route: Route
    request: Message
    operator: str
    request_id: str
    caller: Caller | None = None
    size: int = 0
    unreadable: bool = False
    deadline: float | None = None
    trace: Trace | None = None
    reply_metadata: dict[str, str] = field(default_factory=dict)

    @property
    def remaining_s(self) -> float | None:
        """Seconds that the caller still waits; None where it set no deadline."""
        return None if self.deadline is None else self.deadline - time.monotonic()


Proceed = Callable[[Call], Coroutine[Any, Any, Message]]
"""The rest of the road."""

Step = Callable[[Call, Proceed], Coroutine[Any, Any, Message]]
"""Does one thing with a call and lets it proceed, or does not."""

Check = Callable[[Call], None]
"""Refuses a call by raising Failure, or lets it pass."""

Roads = Callable[[Route], Proceed]
"""The way of each route's calls, compiled once at start."""


def chain(steps: Sequence[Step], end: Proceed) -> Proceed:
    """Return the road that takes these steps in this order and then reaches the end."""

    def before(proceed: Proceed, step: Step) -> Proceed:
        return lambda call: step(call, proceed)

    return reduce(before, reversed(steps), end)


def checked(*checks: Check) -> Step:
    """Return the step that makes all these checks, in this order."""

    async def step(call: Call, proceed: Proceed) -> Message:
        for check in checks:
            check(call)
        return await proceed(call)

    return step
