"""Which thread goes first where there are fewer cores than threads? The event loop; its servants do not interrupt it.

Linux lets a thread that wakes up interrupt the one that runs. Here those that wake up have work for the event loop, or
wait for its interpreter lock, so that every interruption costs two switches and gains nothing. A thread of the policy
SCHED_BATCH has the same share of the processor and does not interrupt (sched(7)); threads inherit it from the one that
starts them, those of gRPC, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["threads_standing_back"]


@contextmanager
def threads_standing_back() -> Iterator[None]:
    """Let threads that are started meanwhile not interrupt others; a policy that somebody else has chosen stays."""
    if not hasattr(os, "SCHED_BATCH") or os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield
        return
    _schedule(os.SCHED_BATCH)
    try:
        yield
    finally:
        _schedule(os.SCHED_OTHER)


def _schedule(policy: int) -> None:
    with suppress(OSError):  # where a sandbox forbids it, all is as it would be without
        os.sched_setscheduler(0, policy, os.sched_param(0))
